"""Participants, generations, the capability graph, directives, outbox, idempotency."""

from alembic import op

from phoenix_runtime.chassis.data.revision_operations import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything. Workers see whose lease runs, and which directives are old."""
    run_sql(op, __file__, "0001_tables.sql", "0001_delivery.sql", "0001_rights.sql")
