"""The sample's tables; the registry's schema and roles, in a database of their own."""

from sqlalchemy import BigInteger, Column, DateTime, Text, UniqueConstraint

from phoenix_runtime.chassis.data.tables import (
    directive_outbox_table,
    idempotency_table,
    outbox_table,
    service_metadata,
    tenant_table,
)

metadata = service_metadata("registry")
outbox = outbox_table(metadata)
directive_outbox = directive_outbox_table(metadata)
idempotency = idempotency_table(metadata)
note = tenant_table(
    "note",
    metadata,
    Column("note_id", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("claimed_until", DateTime(timezone=True)),
    UniqueConstraint("tenant", "text"),
)
