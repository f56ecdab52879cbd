"""Keeps the descent of whoever certifies, and of whoever uploads a policy overlay."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

COLUMNS = (
    ("certifications", "granter_credentials"),
    ("certifications", "granter_enrollers"),
    ("policy_overlays", "uploader_credentials"),
)


def upgrade() -> None:
    """Add the columns; they are empty in rows that are there already."""
    for table, name in COLUMNS:
        texts: postgresql.ARRAY[str] = postgresql.ARRAY(sa.Text)
        op.add_column(table, sa.Column(name, texts, nullable=False, server_default="{}"))
        op.alter_column(table, name, server_default=None)
