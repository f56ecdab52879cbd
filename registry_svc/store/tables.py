"""The tables of the registry. Every key begins with the tenant."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Identity,
    Index,
    Integer,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from phoenix_runtime.chassis.data.tables import (
    idempotency_table,
    outbox_table,
    service_metadata,
    tenant_table,
)

metadata = service_metadata("registry")
instant = DateTime(timezone=True)

participants = tenant_table(
    "participants",
    metadata,
    Column("participant_id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("status_reason", Text, nullable=False),
    Column("liveness", Text, nullable=False),
    Column("trust_policy", Text, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("cost", Float),
    Column("generation", BigInteger, nullable=False),
    Column("standing_revision", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("capabilities", ARRAY(Text), nullable=False),
    Column("data_domains", ARRAY(Text), nullable=False),
    Column("permissions", ARRAY(Text), nullable=False),
    Column("task_types", ARRAY(Text), nullable=False),
    Column("refused", JSONB, nullable=False),
    Column("declaration", JSONB, nullable=False),
    Column("retirement_id", Text, nullable=False),
    Column("created_at", instant, nullable=False),
    Column("updated_at", instant, nullable=False),
)
"""Identities over all their generations. Load and heartbeats are never stored here."""

generations = tenant_table(
    "generations",
    metadata,
    Column("participant_id", Text, primary_key=True),
    Column("generation", BigInteger, primary_key=True),
    Column("registered_at", instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("policy_decision_id", Text, nullable=False),
    Column("audit_event_id", Text, nullable=False),
)
"""Every registration that was ever granted."""

edges = tenant_table(
    "edges",
    metadata,
    Column("participant_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("granted", Boolean, nullable=False),
    Column("refused_because", Text, nullable=False),
    # Equality on text is leakproof, so row-level security may use this index; for containment of
    # arrays, which is not, it would read the whole table.
    Index(
        "edges_granted",
        "tenant",
        "kind",
        "name",
        "participant_id",
        postgresql_where=text("granted"),
    ),
)
"""The capability graph."""

directives = tenant_table(
    "directives",
    metadata,
    Column("directive_id", Text, primary_key=True),
    Column("position", BigInteger, Identity(always=True), nullable=False),
    Column("participant_id", Text, nullable=False),
    Column("document", JSONB, nullable=False),
    Column("created_at", instant, nullable=False),
    Column("acknowledged_at", instant),
    Column("error", Text, nullable=False, server_default=text("''")),
    Index(
        "directives_waiting",
        "tenant",
        "participant_id",
        "position",
        postgresql_where=text("acknowledged_at IS NULL"),
    ),
    Index("directives_created", "created_at"),
)
"""Directives to participants, kept a while after the acknowledgement so that none comes twice."""

outbox = outbox_table(metadata)
idempotency = idempotency_table(metadata)
