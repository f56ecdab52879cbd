"""Trust: certifications, the evidence from the ledger, and how it becomes a score."""
