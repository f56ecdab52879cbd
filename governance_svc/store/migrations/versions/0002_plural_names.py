"""Plural table names, and column names by one rule in all services."""

from alembic import op

from phoenix_runtime.chassis.data.revision_operations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Rename tables, columns, constraints and indexes; no value changes."""
    run_sql(op, __file__, "0002_plural_names.sql")
