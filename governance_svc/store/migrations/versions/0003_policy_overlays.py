"""Keeps the policy overlays of each tenant, and which of them decides."""

import sqlalchemy as sa
from alembic import op

from phoenix_runtime.chassis.data.revision_operations import grant_worker, secure_table

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add two tables; activations from before were by the release, without an overlay."""
    for name in ("overlay_revision", "activated_by"):
        op.add_column(
            "policy_activations", sa.Column(name, sa.Text, nullable=False, server_default="")
        )
        op.alter_column("policy_activations", name, server_default=None)
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
        sa.PrimaryKeyConstraint("tenant", "number", name="policy_overlays_pkey"),
        sa.UniqueConstraint(
            "tenant", "overlay_revision", name="policy_overlays_tenant_overlay_revision_key"
        ),
    )
    op.create_table(
        "policy_heads",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("overlay_revision", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="policy_heads_pkey"),
    )
    secure_table(op, "governance.policy_overlays", append_only=True)
    secure_table(op, "governance.policy_heads")
    grant_worker(op, "governance.policy_heads", ["version", "overlay_revision"])
