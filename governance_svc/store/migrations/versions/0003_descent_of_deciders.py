"""Keeps whose credentials bar a decider, and the descent of whoever decided."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

COLUMNS = ("barred_credentials", "decider_credentials", "decider_enrollers")


def upgrade() -> None:
    """Add the columns; they are empty in approvals that are there already."""
    for name in COLUMNS:
        texts: postgresql.ARRAY[str] = postgresql.ARRAY(sa.Text)
        op.add_column("approvals", sa.Column(name, texts, nullable=False, server_default="{}"))
        op.alter_column("approvals", name, server_default=None)
