"""How an event lies in the ledger's table, and how it is read back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from governance_svc.domain.ledger.entries import Entry, Sealed
from phoenix_runtime.core.chain import Link
from phoenix_runtime.core.documents import event_of
from phoenix_runtime.core.json import bytes_hash

COLUMNS = {
    "event_id": "text",
    "timestamp": "timestamptz",
    "type": "text",
    "service": "text",
    "aggregate": "text",
    "aggregate_version": "bigint",
    "participant": "text",
    "task": "text",
    "handoff": "text",
    "correlation_id": "text",
    "decision_id": "text",
    "document": "text",
    "leaf_hash": "text",
}
"""What is written of each event beside its place in the chain, with PostgreSQL's type."""

READ = "sequence, document, leaf_hash, chain_hash"
"""What `entry_of` needs."""


@dataclass(frozen=True, slots=True)
class Row:
    """One event, ready to be written. ``values`` are in the order of `COLUMNS`."""

    event_id: str
    version: tuple[str, str, int]
    leaf_hash: str
    values: tuple[Any, ...]


def row_of(sealed: Sealed) -> Row:
    """The row of an event; the document lies in it as it was hashed, without its own hash."""
    event = sealed.event
    fields: dict[str, Any] = {name: getattr(event, name, None) for name in COLUMNS}
    fields["document"] = sealed.document
    fields["decision_id"] = str(event.policy_decision.get("decision_id", ""))
    version = (event.service, event.aggregate, event.aggregate_version)
    return Row(event.event_id, version, event.leaf_hash, tuple(fields.values()))


def entry_of(row: Mapping[str, Any]) -> Entry:
    """The entry in a row of `READ`."""
    document = {**json.loads(row["document"]), "leaf_hash": row["leaf_hash"]}
    return Entry(event_of(document), row["sequence"], row["chain_hash"])


def link_of(row: Mapping[str, Any]) -> Link:
    """What is chained in a row of `READ`: the leaf is taken again from the document itself."""
    return Link(row["sequence"], bytes_hash(row["document"].encode()), row["chain_hash"])
