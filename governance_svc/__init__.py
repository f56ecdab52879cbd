"""Governance: policy and its decisions, trust, certifications, approvals, the audit ledger."""

import phoenix_runtime  # noqa: F401  # first: it says how grpc is to be imported
