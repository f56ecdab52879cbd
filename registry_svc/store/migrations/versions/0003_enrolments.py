"""Keeps the issuer's records, and the credential that each participant registered with."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from phoenix_runtime.chassis.data.revision_operations import secure_table

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table, and a column that is empty for whoever registered before."""
    empty = sa.Column("credential", sa.Text, nullable=False, server_default="")
    op.add_column("participants", empty)
    op.alter_column("participants", "credential", server_default=None)
    op.create_table(
        "enrolments",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("enrolment_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("roles", postgresql.JSONB, nullable=False),
        sa.Column("enrolled_by", postgresql.JSONB, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("participant_type", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "enrolment_id", name="enrolments_pkey"),
    )
    op.create_index("enrolments_of_identity", "enrolments", ["tenant", "identity"])
    op.create_index("enrolments_newest", "enrolments", ["tenant", "created_at", "enrolment_id"])
    secure_table(op, "registry.enrolments")
