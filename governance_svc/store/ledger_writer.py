"""The only way into the ledger: commits the events of all waiting callers together (group commit).

The statements, and why they are raw SQL, stand in `ledger_sql` (performance: Audit).
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import asyncpg
from prometheus_client import Counter, Histogram

from governance_svc.domain.ledger.entries import Appended, VerifiedEvent
from governance_svc.store import ledger_sql
from governance_svc.store.ledger_deduplication import NewRows, new_rows
from governance_svc.store.ledger_rows import EventRow, row_of
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.core.chain import GENESIS, Head, extend
from phoenix_runtime.core.errors import QuotaExceeded, Refused

MAX_BATCH = 2_000
"""Events in one commit: more would delay the last caller longer than they save."""

MAX_QUEUE = 20_000
"""Events of one tenant that may wait (I14); the relay keeps the rest and sends it again."""


SECONDS: Final = Histogram(
    "phoenix_dma_audit_write_seconds",
    "Time of one commit of the ledger",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1),
)
EVENTS: Final = Counter(
    "phoenix_dma_events_total", "Audit events that were delivered to the ledger"
)


@dataclass(slots=True)
class QueuedEvents:
    """One caller's events, and the future that answers the caller."""

    rows: tuple[EventRow, ...]
    answer: "asyncio.Future[Appended]"


@dataclass(slots=True)
class TenantQueue:
    """One tenant's waiting callers. ``head`` is where this writer expects the chain to end."""

    callers: list[QueuedEvents] = field(default_factory=list)
    events: int = 0
    head: Head | None = None
    drain: "asyncio.Task[None] | None" = None


class GroupCommitLedger:
    """Implements `LedgerWriter` (I6, I7).

    ``appended`` is called after a commit, with the tenant and the types of the events.
    """

    def __init__(
        self,
        database: Database,
        appended: Callable[[str, Collection[str]], None] | None = None,
    ) -> None:
        self._database = database
        self._appended = appended
        self._queues: dict[str, TenantQueue] = {}

    async def append(self, tenant: str, events: Sequence[VerifiedEvent]) -> Appended:
        """Wait in the tenant's queue until a commit holds ``events``."""
        rows = tuple(row_of(event) for event in events)
        queue = self._queues.setdefault(tenant, TenantQueue())
        if queue.events and queue.events + len(rows) > MAX_QUEUE:
            raise QuotaExceeded("Too many audit events wait already", {"limit": MAX_QUEUE})
        answer: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        queue.callers.append(QueuedEvents(rows, answer))
        queue.events += len(rows)
        if queue.drain is None:
            queue.drain = asyncio.create_task(self._drain(tenant, queue))
        return await answer

    async def close(self) -> None:
        """Wait until every queued event is durable or refused."""
        drains = [queue.drain for queue in self._queues.values() if queue.drain is not None]
        await asyncio.gather(*drains)

    async def _drain(self, tenant: str, queue: TenantQueue) -> None:
        """Commit batch after batch until no caller waits."""
        try:
            while queue.callers:
                batch = _next_batch(queue)
                try:
                    with SECONDS.time():
                        await self._commit(tenant, queue, batch)
                except Exception as error:  # noqa: BLE001  # every error is the callers' to handle
                    queue.head = None
                    _fail(batch, error)
                # A caller that was just answered often has more events: one turn of the event loop
                # lets it join the next commit.
                await asyncio.sleep(0)
        finally:
            queue.drain = None

    async def _commit(self, tenant: str, queue: TenantQueue, batch: Sequence[QueuedEvents]) -> None:
        """Append a batch as if all of it were new; where it is not, deduplicate it first."""
        rows = [row for queued in batch for row in queued.rows]
        try:
            # Nearly every event is new, so the ledger is not read first: a duplicate violates a
            # unique key.
            head = await self._append(tenant, queue.head, rows)
        except asyncpg.UniqueViolationError:
            head = None
        if head is not None:
            queue.head = head
            _answer((queued, Appended(len(queued.rows), head.sequence)) for queued in batch)
        else:
            await self._append_new(tenant, queue, batch)
        EVENTS.inc(sum(len(queued.rows) for queued in batch))
        if self._appended is not None:
            self._appended(tenant, {row.type for row in rows})

    async def _append(
        self, tenant: str, head: Head | None, rows: Sequence[EventRow]
    ) -> Head | None:
        """Append ``rows`` after ``head``; None where the chain does not end there."""
        if head is None:
            return None
        async with self._database.writing(tenant) as connection:
            return await _append_after(connection.raw, tenant, head, rows)

    async def _append_new(
        self, tenant: str, queue: TenantQueue, batch: Sequence[QueuedEvents]
    ) -> None:
        """Append what is new of a batch, under the lock of the head."""
        async with self._database.transaction(tenant) as connection:
            raw = await connection.begin()
            await raw.execute(ledger_sql.FIRST_HEAD, tenant, GENESIS)
            head = Head(*(await raw.fetch(ledger_sql.LOCKED_HEAD, tenant))[0])
            groups = await new_rows(raw, tenant, [queued.rows for queued in batch])
            rows = [row for group in groups for row in group.rows]
            moved = await _append_after(raw, tenant, head, rows)
            if moved is None:
                raise LookupError("the head moved although its row is locked")
        queue.head = moved
        _answer(
            (queued, _result(group, moved)) for queued, group in zip(batch, groups, strict=True)
        )


async def _append_after(
    raw: "asyncpg.Connection[asyncpg.Record]", tenant: str, head: Head, rows: Sequence[EventRow]
) -> Head | None:
    """Append ``rows`` after ``head`` and answer the new head, None where ``head`` has moved."""
    if not rows:
        return head
    links = extend(head, [row.leaf_hash for row in rows])
    newest = Head(links[-1].sequence, links[-1].chain_hash)
    status = await raw.execute(
        ledger_sql.APPEND,
        tenant,
        *(head.sequence, head.chain_hash, newest.sequence, newest.chain_hash),
        [link.sequence for link in links],
        *(list(column) for column in zip(*(row.values for row in rows), strict=True)),
        [link.chain_hash for link in links],
    )
    return newest if status == f"INSERT 0 {len(rows)}" else None


def _next_batch(queue: TenantQueue) -> list[QueuedEvents]:
    """The first callers, up to the largest batch; a single caller's events are never split."""
    size, count = 0, 0
    for queued in queue.callers:
        size += len(queued.rows)
        if count and size > MAX_BATCH:
            break
        count += 1
    batch, queue.callers = queue.callers[:count], queue.callers[count:]
    queue.events -= sum(len(queued.rows) for queued in batch)
    return batch


def _result(group: NewRows, head: Head) -> Appended | Refused:
    return group.refused or Appended(len(group.rows), head.sequence)


def _answer(answers: Iterable[tuple[QueuedEvents, Appended | Refused]]) -> None:
    for queued, result in answers:
        if queued.answer.done():  # its caller was cancelled; its events are in the ledger
            continue
        if isinstance(result, Refused):
            queued.answer.set_exception(result)
        else:
            queued.answer.set_result(result)


def _fail(batch: Sequence[QueuedEvents], error: Exception) -> None:
    for queued in batch:
        if not queued.answer.done():
            queued.answer.set_exception(error)
