"""Maps events to rows of the ledger and back; a row keeps the very bytes that were hashed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from governance_svc.domain.ledger.entries import Entry, VerifiedEvent
from phoenix_runtime.core.chain import Link
from phoenix_runtime.core.documents import event_of
from phoenix_runtime.core.json import bytes_hash, parsed

COLUMNS = {
    "event_id": "text",
    "occurred_at": "timestamptz",
    "type": "text",
    "service": "text",
    "aggregate": "text",
    "aggregate_version": "bigint",
    "participant_id": "text",
    "task_id": "text",
    "handoff_id": "text",
    "correlation_id": "text",
    "decision_id": "text",
    "document": "text",
    "leaf_hash": "text",
}
"""The columns of an event beside its place in the chain, with PostgreSQL's types."""


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event, ready to be written. ``values`` are in the order of `COLUMNS`."""

    event_id: str
    type: str
    version: tuple[str, str, int]
    leaf_hash: str
    values: tuple[Any, ...]


def row_of(verified: VerifiedEvent) -> EventRow:
    """The row of an event."""
    event = verified.event
    columns = {
        "event_id": event.event_id,
        "occurred_at": event.timestamp,
        "type": event.type,
        "service": event.service,
        "aggregate": event.aggregate,
        "aggregate_version": event.aggregate_version,
        "participant_id": event.participant,
        "task_id": event.task,
        "handoff_id": event.handoff,
        "correlation_id": event.correlation_id,
        "decision_id": str(event.policy_decision.get("decision_id", "")),
        "document": verified.document,
        "leaf_hash": event.leaf_hash,
    }
    version = (event.service, event.aggregate, event.aggregate_version)
    values = tuple(columns[name] for name in COLUMNS)
    return EventRow(event.event_id, event.type, version, event.leaf_hash, values)


def entry_of(row: Mapping[str, Any]) -> Entry:
    """The entry in a row with sequence, document, leaf_hash and chain_hash."""
    document = {**parsed(row["document"]), "leaf_hash": row["leaf_hash"]}
    return Entry(event_of(document), row["sequence"], row["chain_hash"])


def link_of(row: Mapping[str, Any]) -> Link:
    """The chain link of such a row: the leaf is hashed again from the document itself."""
    return Link(row["sequence"], bytes_hash(row["document"].encode()), row["chain_hash"])
