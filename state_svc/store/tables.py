"""The tables of the state service: contents under their hash, references, the outbox."""

from sqlalchemy import Column, Integer, LargeBinary

from phoenix_runtime.chassis.data.columns import count_column, instant_column, text_column
from phoenix_runtime.chassis.data.tables import outbox_table, service_metadata, tenant_table

metadata = service_metadata("state")

contents = tenant_table(
    "contents",
    metadata,
    text_column("hash", key=True),
    Column("content", LargeBinary, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    instant_column("stored_at"),
)
"""Canonical context documents; never changed, and hashed again whenever one is read."""

state_references = tenant_table(
    "state_references",
    metadata,
    text_column("task_id", key=True),
    count_column("version", key=True),
    text_column("participant_id", key=True),
    count_column("epoch", key=True),
    text_column("hash", key=True),
    text_column("state_ref"),
    text_column("owner"),
    text_column("handoff_protocol"),
    instant_column("stored_at"),
)
"""State that is stored elsewhere: the hash that its writer attests, owner, handoff protocol."""

outbox = outbox_table(metadata)
