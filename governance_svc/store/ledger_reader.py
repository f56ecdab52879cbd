"""Reads a tenant's ledger: by filter, by task, as a lineage, as a chain."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, literal_column, or_, select, tuple_

from governance_svc.domain.ledger.entries import AuditFilter, Entry
from governance_svc.domain.ledger.lineage import Family
from governance_svc.store.ledger_rows import entry_of, link_of
from governance_svc.store.positions import page_of, strange_token
from governance_svc.store.tables import ledger_event as events
from governance_svc.store.tables import ledger_head
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.core.chain import Fault, Head, faults
from phoenix_runtime.core.documents import time_of, time_text
from phoenix_runtime.core.events import AuditEvent, AuditEventType
from phoenix_runtime.core.pages import Page, PageRequest, number_of

FEW = 100
"""Entries that one decision is answered with at most."""

STRIDE = 5_000
"""Entries verified at a time."""

ENTRY = (events.c.sequence, events.c.document, events.c.leaf_hash, events.c.chain_hash)
READING_ORDER = (
    events.c.timestamp,
    events.c.service,
    events.c.aggregate,
    events.c.aggregate_version,
    events.c.sequence,
)
"""By time; events of one moment stay together by aggregate, in the order of its versions."""


class PostgresLedgerReader:
    """Implements `LedgerReader`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, tenant: str, wanted: AuditFilter, page: PageRequest) -> Page[Entry]:
        """What ``wanted`` finds, by sequence."""
        query = select(*ENTRY).where(events.c.tenant == tenant, *_conditions(wanted))
        if page.after:
            query = query.where(events.c.sequence > _sequence(page.after))
        query = query.order_by(events.c.sequence).limit(page.size + 1)
        entries = await self._entries(tenant, query)
        return page_of(entries, page, lambda entry: (str(entry.sequence),))

    async def submission(self, tenant: str, task: str) -> AuditEvent | None:
        """The TASK_SUBMITTED of a task, or None."""
        found = await self.of_task(tenant, task, [AuditEventType.TASK_SUBMITTED])
        return found[0] if found else None

    async def submissions(self, tenant: str, correlation_id: str) -> tuple[AuditEvent, ...]:
        """Every TASK_SUBMITTED with that correlation id, oldest first."""
        query = (
            select(*ENTRY)
            .where(
                events.c.tenant == tenant,
                events.c.correlation_id == correlation_id,
                events.c.correlation_id != literal_column("''"),
                events.c.type == AuditEventType.TASK_SUBMITTED,
            )
            .order_by(events.c.sequence)
        )
        return tuple(entry.event for entry in await self._entries(tenant, query))

    async def of_task(self, tenant: str, task: str, types: Sequence[str]) -> tuple[AuditEvent, ...]:
        """The events of these types about one task, by version of their aggregate."""
        query = (
            select(*ENTRY)
            .where(
                events.c.tenant == tenant,
                events.c.task == task,
                events.c.task != literal_column("''"),
                events.c.type.in_(list(types)),
            )
            .order_by(events.c.aggregate_version, events.c.sequence)
        )
        return tuple(entry.event for entry in await self._entries(tenant, query))

    async def lineage(self, tenant: str, family: Family, page: PageRequest) -> Page[Entry]:
        """The lineage of a family, by time."""
        query = select(*ENTRY).where(events.c.tenant == tenant, _scope(family))
        if page.after:
            query = query.where(tuple_(*READING_ORDER) > tuple_(*_position(page.after)))
        query = query.order_by(*READING_ORDER).limit(page.size + 1)
        return page_of(await self._entries(tenant, query), page, _reading_position)

    async def by_decision(self, tenant: str, decision_id: str) -> tuple[Entry, ...]:
        """What rests on a decision, oldest first, at most `FEW`."""
        query = (
            select(*ENTRY)
            .where(events.c.tenant == tenant, *_equal({"decision_id": decision_id}))
            .order_by(events.c.sequence)
            .limit(FEW)
        )
        return await self._entries(tenant, query)

    async def head(self, tenant: str) -> Head:
        """The end of the tenant's chain."""
        query = select(ledger_head.c.sequence, ledger_head.c.chain_hash)
        async with self._database.reading(tenant) as connection:
            row = (await connection.execute(query.where(ledger_head.c.tenant == tenant))).first()
        return Head() if row is None else Head(row.sequence, row.chain_hash)

    async def verify(self, tenant: str) -> tuple[Fault, ...]:
        """Recompute every leaf from its document and every link up to the head as it is now."""
        until = await self.head(tenant)
        found: list[Fault] = []
        after = Head()
        while not found and after.sequence < until.sequence:
            links, forged = await self._stride(tenant, after.sequence, until.sequence)
            if not links:
                break
            found += [*forged, *faults(links, after=after)]
            after = Head(links[-1].sequence, links[-1].chain_hash)
        return tuple(found or faults((), after=after, until=until))

    async def _stride(self, tenant: str, after: int, until: int) -> tuple[list[Any], list[Fault]]:
        """Some links behind a sequence, and those whose recorded leaf is not their document's."""
        query = (
            select(*ENTRY)
            .where(events.c.tenant == tenant, events.c.sequence.between(after + 1, until))
            .order_by(events.c.sequence)
            .limit(STRIDE)
        )
        rows = await self._rows(tenant, query)
        links = [link_of(row) for row in rows]
        forged = [
            Fault(link.sequence, "the leaf hash is not that of the document")
            for link, row in zip(links, rows, strict=True)
            if link.leaf_hash != row["leaf_hash"]
        ]
        return links, forged

    async def _entries(self, tenant: str, query: Select[Any]) -> tuple[Entry, ...]:
        return tuple(entry_of(row) for row in await self._rows(tenant, query))

    async def _rows(self, tenant: str, query: Select[Any]) -> Sequence[Mapping[str, Any]]:
        async with self._database.reading(tenant) as connection:
            return [dict(row) for row in (await connection.execute(query)).mappings()]


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    """What a filter asks of an event."""
    found = _equal(
        {
            "participant": wanted.participant,
            "task": wanted.task,
            "decision_id": wanted.policy_decision,
            "handoff": wanted.handoff,
            "correlation_id": wanted.correlation_id,
        }
    )
    if wanted.types:
        # The second condition says nothing new; it is the one by which the index is found.
        found += [events.c.type.in_(wanted.types), events.c.type != literal_column("''")]
    if wanted.since is not None:
        found.append(events.c.timestamp >= wanted.since)
    if wanted.until is not None:
        found.append(events.c.timestamp < wanted.until)
    return found


def _equal(wanted: Mapping[str, str]) -> list[ColumnElement[bool]]:
    """``column = value`` for what is asked, in the words of the partial indexes."""
    found: list[ColumnElement[bool]] = []
    for name, value in wanted.items():
        if value:
            found += [events.c[name] == value, events.c[name] != literal_column("''")]
    return found


def _scope(family: Family) -> ColumnElement[bool]:
    """The family's tasks, and what else happened under the correlation id of its root."""
    of_tasks = and_(events.c.task.in_(family.tasks), events.c.task != literal_column("''"))
    if not family.root:
        return of_tasks
    return or_(of_tasks, and_(*_equal({"correlation_id": family.correlation_id})))


def _sequence(after: tuple[str, ...]) -> int:
    try:
        (sequence,) = after
        return number_of(sequence)
    except ValueError as error:
        raise strange_token() from error


def _reading_position(entry: Entry) -> tuple[str, ...]:
    event = entry.event
    version, sequence = str(event.aggregate_version), str(entry.sequence)
    return time_text(event.timestamp), event.service, event.aggregate, version, sequence


def _position(after: tuple[str, ...]) -> tuple[datetime, str, str, int, int]:
    try:
        moment, service, aggregate, version, sequence = after
        return time_of(moment), service, aggregate, number_of(version), number_of(sequence)
    except ValueError as error:
        raise strange_token() from error
