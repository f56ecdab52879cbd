"""Keeps effects outside the runtime, and what came of each."""

from alembic import op

from phoenix_runtime.chassis.data.revision_operations import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table; no task from before has an effect."""
    run_sql(op, __file__, "0006_effects.sql")
