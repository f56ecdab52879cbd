"""The tables of the state service: contents under their hash, references, the outbox."""

from sqlalchemy import BigInteger, Column, DateTime, Integer, LargeBinary, Text

from phoenix_runtime.chassis.data.tables import outbox_table, service_metadata, tenant_table

metadata = service_metadata("state")

contents = tenant_table(
    "contents",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("stored_at", DateTime(timezone=True), nullable=False),
)
"""Canonical context documents; never changed, and hashed again whenever one is read."""

state_references = tenant_table(
    "state_references",
    metadata,
    Column("task_id", Text, primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("participant_id", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("hash", Text, primary_key=True),
    Column("state_ref", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("handoff_protocol", Text, nullable=False),
    Column("stored_at", DateTime(timezone=True), nullable=False),
)
"""State that is stored elsewhere: the hash that its writer attests, owner, handoff protocol."""

outbox = outbox_table(metadata)
