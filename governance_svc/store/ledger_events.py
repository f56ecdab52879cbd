"""Reads the ledger: by filter, by task, as a lineage, as a chain."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, literal_column, or_, select, tuple_

from governance_svc.domain.ledger.entries import AuditFilter, Entry
from governance_svc.domain.ledger.lineage import Family
from governance_svc.store.ledger_rows import entry_of, link_of
from governance_svc.store.tables import ledger_events as events
from governance_svc.store.tables import ledger_heads
from phoenix_runtime.chassis.data.paging import (
    SortKey,
    highest_first,
    invalid_token,
    page_of,
    single_number,
)
from phoenix_runtime.chassis.data.rows import TenantRows
from phoenix_runtime.core.chain import Fault, Head, Link, faults
from phoenix_runtime.core.events import AuditEvent, AuditEventType
from phoenix_runtime.core.pages import Page, PageRequest, moment_of, number_of

MAX_BY_DECISION: Final = 100
"""The most entries that one decision is answered with."""

MAX_VERIFIED: Final = 5_000
"""The most entries that are verified at a time."""

ENTRY: Final = (events.c.sequence, events.c.document, events.c.leaf_hash, events.c.chain_hash)
LINEAGE_ORDER: Final = (
    events.c.occurred_at,
    events.c.service,
    events.c.aggregate,
    events.c.aggregate_version,
    events.c.sequence,
)
"""By time; events of one instant stay together by aggregate, in the order of its versions."""


class LedgerEventTable(TenantRows):
    """Implements `domain.rows.LedgerEvents`."""

    async def list_entries(self, wanted: AuditFilter, page: PageRequest) -> Page[Entry]:
        """The entries that match ``wanted``, in the order of the ledger or against it."""
        statement = self._select().where(*_conditions(wanted))
        total = await self._total(statement, page)
        if wanted.newest_first:
            ordered = highest_first(statement, events.c.sequence, page)
        else:
            if page.after:
                statement = statement.where(events.c.sequence > single_number(page.after))
            ordered = statement.order_by(events.c.sequence).limit(page.size + 1)
        return page_of(await self._entries(ordered), page, lambda entry: (entry.sequence,), total)

    async def submission_of(self, task: str) -> AuditEvent | None:
        """The TASK_SUBMITTED of a task, or None."""
        submissions = await self.events_of_task(task, [AuditEventType.TASK_SUBMITTED])
        return submissions[0] if submissions else None

    async def submissions(self, correlation_id: str) -> tuple[AuditEvent, ...]:
        """Every TASK_SUBMITTED with that correlation id, oldest first."""
        statement = (
            self._select()
            .where(*_indexed("correlation_id", correlation_id))
            .where(events.c.type == AuditEventType.TASK_SUBMITTED.value)
            .order_by(events.c.sequence)
        )
        return tuple(entry.event for entry in await self._entries(statement))

    async def events_of_task(self, task: str, types: Sequence[str]) -> tuple[AuditEvent, ...]:
        """The events of these types about one task, by version of the task."""
        statement = (
            self._select()
            .where(*_indexed("task_id", task), events.c.type.in_(list(types)))
            .order_by(events.c.aggregate_version, events.c.sequence)
        )
        return tuple(entry.event for entry in await self._entries(statement))

    async def lineage(self, family: Family, page: PageRequest) -> Page[Entry]:
        """The lineage of a family, by time."""
        statement = self._select().where(_scope(family))
        if page.after:
            statement = statement.where(tuple_(*LINEAGE_ORDER) > tuple_(*_position(page.after)))
        statement = statement.order_by(*LINEAGE_ORDER).limit(page.size + 1)
        return page_of(await self._entries(statement), page, _sort_key)

    async def entries_by_decision(self, decision_id: str) -> tuple[Entry, ...]:
        """The entries that rest on a decision, oldest first, at most `MAX_BY_DECISION`."""
        statement = (
            self._select()
            .where(*_indexed("decision_id", decision_id))
            .order_by(events.c.sequence)
            .limit(MAX_BY_DECISION)
        )
        return await self._entries(statement)

    async def ledger_head(self) -> Head:
        """The end of the tenant's chain."""
        row = await self._find(ledger_heads)
        return Head() if row is None else Head(row["sequence"], row["chain_hash"])

    async def verify_ledger(self) -> tuple[Fault, ...]:
        """Recompute every leaf from its document, and every link up to the present head."""
        head = await self.ledger_head()
        found: list[Fault] = []
        after = Head()
        while not found and after.sequence < head.sequence:
            links, forged = await self._links(after.sequence, head.sequence)
            if not links:
                break
            found += [*forged, *faults(links, after=after)]
            after = Head(links[-1].sequence, links[-1].chain_hash)
        return tuple(found or faults((), after=after, until=head))

    async def _links(self, after: int, until: int) -> tuple[list[Link], list[Fault]]:
        """The next links, and a fault for each whose recorded leaf is not its document's."""
        statement = (
            self._select()
            .where(events.c.sequence.between(after + 1, until))
            .order_by(events.c.sequence)
            .limit(MAX_VERIFIED)
        )
        rows = await self._all(statement)
        links = [link_of(row) for row in rows]
        forged = [
            Fault(link.sequence, "the leaf hash is not that of the document")
            for link, row in zip(links, rows, strict=True)
            if link.leaf_hash != row["leaf_hash"]
        ]
        return links, forged

    def _select(self) -> Select[Any]:
        return select(*ENTRY).where(self._matching(events))

    async def _entries(self, statement: Select[Any]) -> tuple[Entry, ...]:
        return tuple(entry_of(row) for row in await self._all(statement))


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    """The conditions of a filter."""
    conditions: list[ColumnElement[bool]] = []
    for name, value in (
        ("participant_id", wanted.participant),
        ("task_id", wanted.task),
        ("decision_id", wanted.policy_decision),
        ("handoff_id", wanted.handoff),
        ("correlation_id", wanted.correlation_id),
    ):
        if value:
            conditions += _indexed(name, value)
    if wanted.types:
        conditions += [events.c.type.in_(wanted.types), events.c.type != literal_column("''")]
    if wanted.after_sequence:
        conditions.append(events.c.sequence > wanted.after_sequence)
    if wanted.since is not None:
        conditions.append(events.c.occurred_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(events.c.occurred_at < wanted.until)
    return conditions


def _indexed(name: str, value: str) -> list[ColumnElement[bool]]:
    """``name = value``, which no empty value fulfils.

    PostgreSQL uses a partial index only where the statement repeats the index's condition.
    """
    return [events.c[name] == value, events.c[name] != literal_column("''")]


def _scope(family: Family) -> ColumnElement[bool]:
    """The family's tasks, and for a root everything else under its correlation id."""
    of_tasks = and_(events.c.task_id.in_(family.tasks), events.c.task_id != literal_column("''"))
    if not family.root:
        return of_tasks
    return or_(of_tasks, and_(*_indexed("correlation_id", family.correlation_id)))


def _sort_key(entry: Entry) -> SortKey:
    event = entry.event
    version = event.aggregate_version
    return event.timestamp, event.service, event.aggregate, version, entry.sequence


def _position(after: tuple[str, ...]) -> tuple[datetime, str, str, int, int]:
    try:
        instant, service, aggregate, version, sequence = after
        return moment_of(instant), service, aggregate, number_of(version), number_of(sequence)
    except ValueError as error:
        raise invalid_token() from error
