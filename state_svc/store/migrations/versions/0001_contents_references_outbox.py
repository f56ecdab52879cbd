"""Contents under their hash, references to state that lives elsewhere, the outbox."""

from alembic import op

from phoenix_runtime.chassis.data.revision_operations import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything; contents and references can be added and read only."""
    run_sql(op, __file__, "0001_tables.sql", "0001_delivery.sql", "0001_rights.sql")
