"""Counts the owners that a task lost, and limits them; keeps what was said when it failed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns; tasks from before have the default limit, and nothing is known of them."""
    columns = (
        sa.Column("max_losses", sa.Integer, nullable=False, server_default="3"),
        sa.Column("losses", sa.Integer, nullable=False, server_default="0"),
        sa.Column("lost", JSONB, nullable=False, server_default="[]"),
        sa.Column("why", sa.Text, nullable=False, server_default=""),
    )
    for column in columns:
        op.add_column("tasks", column)
        op.alter_column("tasks", column.name, server_default=None)
