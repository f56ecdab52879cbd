"""Keeps the descent of deciders, the policy overlays of each tenant, and which one decides."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from phoenix_runtime.chassis.data.revision_operations import grant_worker, secure_table

revision = "0003"
down_revision = "0002"

COLUMNS = ("barred_credentials", "decider_credentials", "decider_enrollers")


def upgrade() -> None:
    """Add the columns; they are empty in approvals and activations that are there already."""
    for name in COLUMNS:
        texts: postgresql.ARRAY[str] = postgresql.ARRAY(sa.Text)
        op.add_column("approvals", sa.Column(name, texts, nullable=False, server_default="{}"))
        op.alter_column("approvals", name, server_default=None)
    for name in ("overlay_revision", "activated_by"):
        column = sa.Column(name, sa.Text, nullable=False, server_default="")
        op.add_column("policy_activations", column)
        op.alter_column("policy_activations", name, server_default=None)
    _add_overlays()


def _add_overlays() -> None:
    op.create_table(
        "policy_overlays",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("overlay_revision", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("policy_revision", sa.Text, nullable=False),
        sa.Column("tests_passed", sa.Integer, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("uploaded_by", sa.Text, nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("policy_version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "number", name="policy_overlays_pkey"),
    )
    op.create_table(
        "policy_heads",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("overlay_revision", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="policy_heads_pkey"),
    )
    secure_table(op, "governance.policy_overlays", append_only=True)
    secure_table(op, "governance.policy_heads")
    grant_worker(op, "governance.policy_heads", ["version", "overlay_revision"])
