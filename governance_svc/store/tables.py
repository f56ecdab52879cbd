"""The tables of governance: the ledger, and what humans and certificates said."""

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

MOMENT = DateTime(timezone=True)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _found_by(column: str) -> Index:
    """Finds a reader's events in ledger order; events without the column cost nothing."""
    return Index(
        f"ledger_event_{column}_idx",
        "tenant",
        column,
        "sequence",
        postgresql_where=text(f"{column} <> ''"),
    )


ledger_event = tenant_table(
    "ledger_event",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    _text("event_id"),
    Column("timestamp", MOMENT, nullable=False),
    _text("type"),
    _text("service"),
    _text("aggregate"),
    Column("aggregate_version", BigInteger, nullable=False),
    _text("participant"),
    _text("task"),
    _text("handoff"),
    _text("correlation_id"),
    _text("decision_id"),
    # The canonical bytes over which the leaf hash was taken, as text and not as jsonb, which
    # would write numbers its own way: what is hashed again must be what was hashed.
    _text("document"),
    _text("leaf_hash"),
    _text("chain_hash"),
    UniqueConstraint("tenant", "event_id"),
    UniqueConstraint("tenant", "service", "aggregate", "aggregate_version"),
    _found_by("participant"),
    _found_by("task"),
    _found_by("handoff"),
    _found_by("correlation_id"),
    _found_by("decision_id"),
    _found_by("type"),
)
"""Append only: the application role may INSERT and SELECT."""

ledger_head = tenant_table(
    "ledger_head",
    metadata,
    Column("sequence", BigInteger, nullable=False),
    _text("chain_hash"),
)
"""The end of each tenant's chain; whoever moves it fences every other writer."""

approval = tenant_table(
    "approval",
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
    Column("create_time", MOMENT, nullable=False),
    Column("expire_time", MOMENT, nullable=False),
    _text("decided_by"),
    _text("comment"),
    _text("deciding_policy_decision_id"),
    Column("decide_time", MOMENT),
    Column("claimed_until", MOMENT),
    # Asking twice for the same subject is one request, whoever is quicker.
    UniqueConstraint("tenant", "task_id", "action", "subject_hash", "round"),
    Index("approval_pending", "expire_time", postgresql_where=text("status = 'pending'")),
    Index("approval_created", "tenant", "create_time", "approval_id"),
)

certification = tenant_table(
    "certification",
    metadata,
    Column("certification_id", Text, primary_key=True),
    _text("participant_id"),
    _text("capability"),
    _text("method"),
    _text("evidence"),
    Column("coverage", Float, nullable=False),
    _text("granted_by"),
    Column("grant_time", MOMENT, nullable=False),
    Column("expire_time", MOMENT, nullable=False),
    Column("revoke_time", MOMENT),
    _text("event_id"),
    Column("version", BigInteger, nullable=False),
    Index("certification_participant", "tenant", "participant_id", "grant_time"),
    Index("certification_granted", "tenant", "grant_time", "certification_id"),
)

trust_evidence = tenant_table(
    "trust_evidence",
    metadata,
    Column("participant_id", Text, primary_key=True),
    _text("document"),
)
"""What the ledger says of each participant, folded; can be made again from the ledger alone."""

trust_cursor = tenant_table(
    "trust_cursor",
    metadata,
    Column("sequence", BigInteger, nullable=False),
    _text("model"),
)
"""Up to which event the ledger is folded, and under which trust model."""

policy_activation = tenant_table(
    "policy_activation",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    _text("revision"),
    Column("activate_time", MOMENT, nullable=False),
)
"""The revisions of the bundle that were active, in order."""
