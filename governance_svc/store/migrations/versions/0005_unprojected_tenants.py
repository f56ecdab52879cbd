"""Lets the worker role see how far each ledger is projected."""

from alembic import op

from phoenix_runtime.chassis.data.revision_operations import grant_worker

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Grant what says it."""
    grant_worker(op, "governance.trust_cursors", ["sequence", "rules"])
