"""The ledger, approvals, certifications, trust evidence and policy activations."""

from alembic import op

from governance_svc.store import tables
from phoenix_runtime.chassis.data.migrations import create_tables, grant_worker

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table; the ledger's events can be added and read, never changed."""
    create_tables(op, tables.metadata, append_only=["ledger_event", "policy_activation"])
    grant_worker(
        op,
        tables.approval,
        ["approval_id", "status", "expire_time"],
        update=["claimed_until"],
    )
    grant_worker(op, tables.ledger_head, ["sequence"])
