"""The tables of governance: ledger, approvals, certifications, trust projections, activations."""

from sqlalchemy import (
    ARRAY,
    Column,
    Float,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)

from phoenix_runtime.chassis.data.columns import count_column, instant_column, text_column
from phoenix_runtime.chassis.data.tables import (
    idempotency_table,
    outbox_table,
    service_metadata,
    tenant_table,
)

metadata = service_metadata("governance")
outbox = outbox_table(metadata)
idempotency = idempotency_table(metadata)


def _partial_index(column: str) -> Index:
    """An index in ledger order; events without the column cost nothing."""
    return Index(
        f"ledger_events_{column}_idx",
        "tenant",
        column,
        "sequence",
        postgresql_where=text(f"{column} <> ''"),
    )


ledger_events = tenant_table(
    "ledger_events",
    metadata,
    count_column("sequence", key=True),
    text_column("event_id"),
    instant_column("occurred_at"),
    text_column("type"),
    text_column("service"),
    text_column("aggregate"),
    count_column("aggregate_version"),
    text_column("participant_id"),
    text_column("task_id"),
    text_column("handoff_id"),
    text_column("correlation_id"),
    text_column("decision_id"),
    # The canonical bytes over which the leaf hash was taken. Text, because jsonb would write
    # numbers in its own form, and what is hashed again must be what was hashed.
    text_column("document"),
    text_column("leaf_hash"),
    text_column("chain_hash"),
    UniqueConstraint("tenant", "event_id"),
    UniqueConstraint("tenant", "service", "aggregate", "aggregate_version"),
    _partial_index("participant_id"),
    _partial_index("task_id"),
    _partial_index("handoff_id"),
    _partial_index("correlation_id"),
    _partial_index("decision_id"),
    _partial_index("type"),
)
"""Append only: the application role may INSERT and SELECT."""

ledger_heads = tenant_table(
    "ledger_heads",
    metadata,
    count_column("sequence"),
    text_column("chain_hash"),
)
"""The end of each tenant's chain; a writer that moves it fences every other writer."""

approvals = tenant_table(
    "approvals",
    metadata,
    text_column("approval_id", key=True),
    text_column("task_id"),
    text_column("action"),
    text_column("subject_hash"),
    Column("round", Integer, nullable=False),
    text_column("subject"),
    text_column("status"),
    count_column("version"),
    Column("approvers", ARRAY(Text), nullable=False),
    Column("barred", ARRAY(Text), nullable=False),
    Column("barred_owners", ARRAY(Text), nullable=False),
    Column("barred_credentials", ARRAY(Text), nullable=False),
    text_column("policy_decision_id"),
    text_column("correlation_id"),
    text_column("proposed_by"),
    text_column("requested_by"),
    text_column("request_event_id"),
    instant_column("created_at"),
    instant_column("expires_at"),
    text_column("decided_by"),
    Column("decider_credentials", ARRAY(Text), nullable=False),
    Column("decider_enrollers", ARRAY(Text), nullable=False),
    text_column("comment"),
    text_column("deciding_policy_decision_id"),
    instant_column("decided_at", optional=True),
    instant_column("claimed_until", optional=True),
    # Two concurrent requests for the same subject are one.
    UniqueConstraint("tenant", "task_id", "action", "subject_hash", "round"),
    Index("approvals_pending", "expires_at", postgresql_where=text("status = 'pending'")),
    Index("approvals_created", "tenant", "created_at", "approval_id"),
)

certifications = tenant_table(
    "certifications",
    metadata,
    text_column("certification_id", key=True),
    text_column("participant_id"),
    text_column("capability"),
    text_column("method"),
    text_column("evidence"),
    Column("coverage", Float, nullable=False),
    text_column("granted_by"),
    instant_column("granted_at"),
    instant_column("valid_until"),
    instant_column("revoked_at", optional=True),
    text_column("event_id"),
    count_column("version"),
    Column("granter_credentials", ARRAY(Text), nullable=False),
    Column("granter_enrollers", ARRAY(Text), nullable=False),
    Index("certifications_participant", "tenant", "participant_id", "granted_at"),
    Index("certifications_granted", "tenant", "granted_at", "certification_id"),
)

trust_projections = tenant_table(
    "trust_projections",
    metadata,
    text_column("participant_id", key=True),
    text_column("document"),
)
"""The evidence on each participant; it can be computed anew from the ledger alone."""

trust_cursors = tenant_table(
    "trust_cursors",
    metadata,
    count_column("sequence"),
    text_column("rules"),
)
"""Up to which entry each ledger is projected, and by which version of the rules."""

policy_activations = tenant_table(
    "policy_activations",
    metadata,
    count_column("version", key=True),
    text_column("revision"),
    instant_column("activated_at"),
    text_column("overlay_revision"),
    text_column("activated_by"),
)
"""The revisions of the bundle that were active, in order."""

policy_overlays = tenant_table(
    "policy_overlays",
    metadata,
    count_column("number", key=True),
    text_column("overlay_revision"),
    text_column("document"),
    text_column("policy_revision"),
    Column("tests_passed", Integer, nullable=False),
    text_column("note"),
    text_column("uploaded_by"),
    instant_column("uploaded_at"),
    count_column("policy_version"),
    Column("uploader_credentials", ARRAY(Text), nullable=False),
)
"""The uploads of overlays, in order; the same one again where policy changed in between."""

policy_heads = tenant_table(
    "policy_heads",
    metadata,
    count_column("version"),
    text_column("overlay_revision"),
)
"""The overlay that decides in each tenant that ever activated one; every replica follows it."""
