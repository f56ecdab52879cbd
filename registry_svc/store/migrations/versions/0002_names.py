"""Names tables and columns by one rule."""

from alembic import op

from phoenix_runtime.chassis.data.revision_operations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Rename; every row stays."""
    run_sql(op, __file__, "0002_names.sql")
