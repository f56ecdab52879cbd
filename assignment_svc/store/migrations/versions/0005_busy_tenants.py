"""Lets the worker role see which tenants have a gate that is busy."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Grant the columns that say it."""
    for table, column in (
        ("gates", "used"),
        ("tasks", "parked_target_id"),
        ("handoffs", "offered_target_id"),
    ):
        op.execute(f"GRANT SELECT ({column}) ON {table} TO phoenix_assignment_worker")
