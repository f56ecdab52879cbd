"""The tables of governance: ledger, approvals, certifications, trust projections, activations."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)

from phoenix_runtime.chassis.data.tables import (
    idempotency_table,
    outbox_table,
    service_metadata,
    tenant_table,
)

metadata = service_metadata("governance")
outbox = outbox_table(metadata)
idempotency = idempotency_table(metadata)

INSTANT = DateTime(timezone=True)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


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
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    _text("event_id"),
    Column("occurred_at", INSTANT, nullable=False),
    _text("type"),
    _text("service"),
    _text("aggregate"),
    Column("aggregate_version", BigInteger, nullable=False),
    _text("participant_id"),
    _text("task_id"),
    _text("handoff_id"),
    _text("correlation_id"),
    _text("decision_id"),
    # The canonical bytes over which the leaf hash was taken. Text, because jsonb would write
    # numbers in its own form, and what is hashed again must be what was hashed.
    _text("document"),
    _text("leaf_hash"),
    _text("chain_hash"),
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
    Column("sequence", BigInteger, nullable=False),
    _text("chain_hash"),
)
"""The end of each tenant's chain; a writer that moves it fences every other writer."""

approvals = tenant_table(
    "approvals",
    metadata,
    Column("approval_id", Text, primary_key=True),
    _text("task_id"),
    _text("action"),
    _text("subject_hash"),
    Column("round", Integer, nullable=False),
    _text("subject"),
    _text("status"),
    Column("version", BigInteger, nullable=False),
    Column("approvers", ARRAY(Text), nullable=False),
    Column("barred", ARRAY(Text), nullable=False),
    Column("barred_owners", ARRAY(Text), nullable=False),
    _text("policy_decision_id"),
    _text("correlation_id"),
    _text("proposed_by"),
    _text("requested_by"),
    _text("request_event_id"),
    Column("created_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    _text("decided_by"),
    _text("comment"),
    _text("deciding_policy_decision_id"),
    Column("decided_at", INSTANT),
    Column("claimed_until", INSTANT),
    # Two concurrent requests for the same subject are one.
    UniqueConstraint("tenant", "task_id", "action", "subject_hash", "round"),
    Index("approvals_pending", "expires_at", postgresql_where=text("status = 'pending'")),
    Index("approvals_created", "tenant", "created_at", "approval_id"),
)

certifications = tenant_table(
    "certifications",
    metadata,
    Column("certification_id", Text, primary_key=True),
    _text("participant_id"),
    _text("capability"),
    _text("method"),
    _text("evidence"),
    Column("coverage", Float, nullable=False),
    _text("granted_by"),
    Column("granted_at", INSTANT, nullable=False),
    Column("valid_until", INSTANT, nullable=False),
    Column("revoked_at", INSTANT),
    _text("event_id"),
    Column("version", BigInteger, nullable=False),
    Index("certifications_participant", "tenant", "participant_id", "granted_at"),
    Index("certifications_granted", "tenant", "granted_at", "certification_id"),
)

trust_projections = tenant_table(
    "trust_projections",
    metadata,
    Column("participant_id", Text, primary_key=True),
    _text("document"),
)
"""The evidence on each participant; it can be computed anew from the ledger alone."""

trust_cursors = tenant_table(
    "trust_cursors",
    metadata,
    Column("sequence", BigInteger, nullable=False),
    _text("rules"),
)
"""Up to which entry each ledger is projected, and by which version of the rules."""

policy_activations = tenant_table(
    "policy_activations",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    _text("revision"),
    Column("activated_at", INSTANT, nullable=False),
)
"""The revisions of the bundle that were active, in order."""
