"""Notes on each task which kinds of other rows it has."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column; whatever was written without it may have rows of every kind."""
    op.add_column("tasks", sa.Column("related", sa.Integer, nullable=False, server_default="15"))
