"""The tables of the registry. Every key begins with the tenant."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Identity,
    Index,
    Integer,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from phoenix_runtime.chassis.data.columns import (
    count_column,
    document_column,
    flag_column,
    instant_column,
    text_column,
)
from phoenix_runtime.chassis.data.tables import (
    idempotency_table,
    outbox_table,
    service_metadata,
    tenant_table,
)

metadata = service_metadata("registry")

participants = tenant_table(
    "participants",
    metadata,
    text_column("participant_id", key=True),
    text_column("type"),
    text_column("owner"),
    text_column("status"),
    text_column("status_reason"),
    text_column("liveness"),
    text_column("trust_policy"),
    Column("capacity", Integer, nullable=False),
    Column("cost", Float),
    count_column("generation"),
    count_column("standing_revision"),
    count_column("version"),
    Column("capabilities", ARRAY(Text), nullable=False),
    Column("data_domains", ARRAY(Text), nullable=False),
    Column("permissions", ARRAY(Text), nullable=False),
    Column("task_types", ARRAY(Text), nullable=False),
    document_column("refused"),
    document_column("declaration"),
    text_column("retirement_id"),
    text_column("credential"),
    instant_column("created_at"),
    instant_column("updated_at"),
)
"""Identities over all their generations. Load and heartbeats are never stored here."""

generations = tenant_table(
    "generations",
    metadata,
    text_column("participant_id", key=True),
    count_column("generation", key=True),
    instant_column("registered_at"),
    text_column("actor"),
    text_column("policy_decision_id"),
    text_column("audit_event_id"),
)
"""Every registration that was ever granted."""

edges = tenant_table(
    "edges",
    metadata,
    text_column("participant_id", key=True),
    text_column("kind", key=True),
    text_column("name", key=True),
    flag_column("granted"),
    text_column("refused_because"),
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
    text_column("directive_id", key=True),
    Column("position", BigInteger, Identity(always=True), nullable=False),
    text_column("participant_id"),
    document_column("document"),
    instant_column("created_at"),
    instant_column("acknowledged_at", optional=True),
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

enrolments = tenant_table(
    "enrolments",
    metadata,
    text_column("enrolment_id", key=True),
    text_column("kind"),
    text_column("status"),
    document_column("roles"),
    document_column("enrolled_by"),
    instant_column("created_at"),
    instant_column("updated_at"),
    text_column("identity"),
    text_column("participant_type"),
    text_column("owner"),
    count_column("version"),
    Index("enrolments_of_identity", "tenant", "identity"),
    Index("enrolments_newest", "tenant", "created_at", "enrolment_id"),
)
"""The issuer's records: who may be whom, and who enrolled them. Credentials are not stored."""

outbox = outbox_table(metadata)
idempotency = idempotency_table(metadata)
