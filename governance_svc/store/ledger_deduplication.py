"""Finds which events of a batch are new: delivery is at least once, the ledger holds each once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import asyncpg

from governance_svc.store import ledger_sql
from governance_svc.store.ledger_rows import EventRow
from phoenix_runtime.core.errors import AlreadyExists, Refused

Version: TypeAlias = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class NewRows:
    """What of one caller's events is new, or why none of it is appended."""

    rows: tuple[EventRow, ...]
    refused: Refused | None = None


@dataclass(slots=True)
class RecordedEvents:
    """The events that the ledger holds, and those that this batch adds."""

    leaves: dict[str, str] = field(default_factory=dict)
    """Leaf hash by event id."""
    versions: dict[Version, str] = field(default_factory=dict)
    """Event id by aggregate version."""

    def add(self, event_id: str, version: Version, leaf_hash: str) -> None:
        """Add one event."""
        self.leaves[event_id] = leaf_hash
        self.versions[version] = event_id

    def contradiction(self, row: EventRow) -> Refused | None:
        """Why ``row`` is neither new nor a repetition; None where it is one of the two."""
        if self.leaves.get(row.event_id, row.leaf_hash) != row.leaf_hash:
            return AlreadyExists(
                "audit event", row.event_id, f"The ledger holds another event {row.event_id}"
            )
        recorded = self.versions.get(row.version, row.event_id)
        if recorded != row.event_id:
            service, aggregate, version = row.version
            text = f"Version {version} of {aggregate} of {service} is {recorded} already"
            return AlreadyExists("audit event", row.event_id, text)
        return None


async def new_rows(
    raw: "asyncpg.Connection[asyncpg.Record]", tenant: str, groups: Sequence[Sequence[EventRow]]
) -> list[NewRows]:
    """What is new of each caller's group of rows; the tenant's head has to be locked."""
    rows = [row for group in groups for row in group]
    records = await raw.fetch(
        ledger_sql.RECORDED,
        tenant,
        [row.event_id for row in rows],
        *(list(column) for column in zip(*(row.version for row in rows), strict=True)),
    )
    recorded = RecordedEvents()
    for event_id, service, aggregate, version, leaf_hash in records:
        recorded.add(event_id, (service, aggregate, version), leaf_hash)
    return [_new(group, recorded) for group in groups]


def _new(rows: Sequence[EventRow], recorded: RecordedEvents) -> NewRows:
    """What of one caller's rows is new; one contradiction refuses all of them."""
    own = RecordedEvents()
    added: list[EventRow] = []
    for row in rows:
        refused = recorded.contradiction(row) or own.contradiction(row)
        if refused is not None:
            return NewRows((), refused)
        if row.event_id not in recorded.leaves and row.event_id not in own.leaves:
            own.add(row.event_id, row.version, row.leaf_hash)
            added.append(row)
    recorded.leaves.update(own.leaves)
    recorded.versions.update(own.versions)
    return NewRows(tuple(added))
