"""The audit ledger: entries, filters and lineages."""
