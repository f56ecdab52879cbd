"""Which of a batch of events are new: delivery is at least once, the ledger takes each once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import asyncpg

from governance_svc.store import ledger_sql
from governance_svc.store.ledger_rows import Row
from phoenix_runtime.core.errors import AlreadyExists, Refused

Version: TypeAlias = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Fresh:
    """What of one caller's events is new, or why none of it is taken."""

    rows: tuple[Row, ...]
    refused: Refused | None = None


@dataclass(slots=True)
class Known:
    """What is in the ledger, and what this batch has added to it so far."""

    leaves: dict[str, str] = field(default_factory=dict)
    """Leaf hash by event id."""
    versions: dict[Version, str] = field(default_factory=dict)
    """Event id by aggregate version."""

    def add(self, event_id: str, version: Version, leaf_hash: str) -> None:
        """Know one more event."""
        self.leaves[event_id] = leaf_hash
        self.versions[version] = event_id

    def contradiction(self, row: Row) -> Refused | None:
        """Why ``row`` can neither be new nor a repetition; None where it is one of the two."""
        if self.leaves.get(row.event_id, row.leaf_hash) != row.leaf_hash:
            return AlreadyExists(
                "audit event", row.event_id, f"The ledger holds another event {row.event_id}"
            )
        holder = self.versions.get(row.version, row.event_id)
        if holder != row.event_id:
            service, aggregate, version = row.version
            text = f"Version {version} of {aggregate} of {service} is {holder} already"
            return AlreadyExists("audit event", row.event_id, text)
        return None


async def fresh_rows(
    raw: "asyncpg.Connection[asyncpg.Record]", tenant: str, brought: Sequence[Sequence[Row]]
) -> list[Fresh]:
    """For each caller what of its rows is new; the head of the tenant has to be locked."""
    rows = [row for group in brought for row in group]
    found = await raw.fetch(
        ledger_sql.KNOWN,
        tenant,
        [row.event_id for row in rows],
        *(list(column) for column in zip(*(row.version for row in rows), strict=True)),
    )
    known = Known()
    for record in found:
        event_id, service, aggregate, version, leaf_hash = record
        known.add(event_id, (service, aggregate, version), leaf_hash)
    return [_fresh(group, known) for group in brought]


def _fresh(rows: Sequence[Row], known: Known) -> Fresh:
    """What of one caller's rows is new; one contradiction refuses all of them."""
    own = Known()
    added: list[Row] = []
    for row in rows:
        refused = known.contradiction(row) or own.contradiction(row)
        if refused is not None:
            return Fresh((), refused)
        if row.event_id not in known.leaves and row.event_id not in own.leaves:
            own.add(row.event_id, row.version, row.leaf_hash)
            added.append(row)
    known.leaves.update(own.leaves)
    known.versions.update(own.versions)
    return Fresh(tuple(added))
