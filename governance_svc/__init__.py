"""Who said that was allowed: policy, trust, approvals, the audit ledger."""
