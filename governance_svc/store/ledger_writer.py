"""The ledger's one way in: whatever waits is appended together, in one commit (performance: Audit).

A statement over arrays and not COPY: PostgreSQL refuses COPY into a table with row-level security.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import asyncpg
from prometheus_client import Counter, Histogram

from governance_svc.domain.ledger.entries import Appended, Sealed
from governance_svc.store import ledger_sql
from governance_svc.store.ledger_dedup import Fresh, fresh_rows
from governance_svc.store.ledger_rows import Row, row_of
from phoenix_runtime.chassis.data.database import Database, driver
from phoenix_runtime.core.chain import GENESIS, Head, extend
from phoenix_runtime.core.errors import QuotaExceeded, Refused

LARGEST_BATCH = 2_000
"""Events a commit: more would make the last one wait longer than it saves."""

LARGEST_QUEUE = 20_000
"""Events of one tenant that may wait (I14); the relay keeps the rest and comes again."""


SECONDS: Final = Histogram(
    "phoenix_dma_audit_write_seconds",
    "Time of one commit of the ledger",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1),
)
EVENTS: Final = Counter("phoenix_dma_events_total", "Audit events that were brought to the ledger")


@dataclass(slots=True)
class Waiting:
    """One caller's events, and how it hears of them."""

    rows: tuple[Row, ...]
    answer: "asyncio.Future[Appended]"


@dataclass(slots=True)
class OutboxConsumer:
    """One tenant's queue. ``head`` is where this writer believes the chain to end."""

    queue: list[Waiting] = field(default_factory=list)
    waiting: int = 0
    head: Head | None = None
    drain: "asyncio.Task[None] | None" = None


class GroupCommitLedger:
    """Implements `LedgerWriter` (I6, I7). ``appended`` is told the tenant after each commit."""

    def __init__(self, database: Database, appended: Callable[[str], None] | None = None) -> None:
        self._database = database
        self._appended = appended
        self._lanes: dict[str, OutboxConsumer] = {}

    async def append(self, tenant: str, events: Sequence[Sealed]) -> Appended:
        """Wait in the tenant's lane until a commit has taken ``events``."""
        rows = tuple(row_of(event) for event in events)
        lane = self._lanes.setdefault(tenant, OutboxConsumer())
        if lane.waiting and lane.waiting + len(rows) > LARGEST_QUEUE:
            raise QuotaExceeded("Too many audit events wait already", {"limit": LARGEST_QUEUE})
        answer: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        lane.queue.append(Waiting(rows, answer))
        lane.waiting += len(rows)
        if lane.drain is None:
            lane.drain = asyncio.create_task(self._drain(tenant, lane))
        return await answer

    async def close(self) -> None:
        """Wait until everything that was taken in is durable, or refused."""
        drains = [lane.drain for lane in self._lanes.values() if lane.drain is not None]
        await asyncio.gather(*drains)

    async def _drain(self, tenant: str, lane: OutboxConsumer) -> None:
        """Commit batch after batch until nobody waits."""
        try:
            while lane.queue:
                batch = _next_batch(lane)
                try:
                    with SECONDS.time():
                        await self._commit(tenant, lane, batch)
                except Exception as error:  # noqa: BLE001  # it is the callers' to hear, all of it
                    lane.head = None
                    _fail(batch, error)
                # Whoever was just answered often has more: one turn of the loop lets it join the
                # next commit, which else would take only those that came during the last one.
                await asyncio.sleep(0)
        finally:
            lane.drain = None

    async def _commit(self, tenant: str, lane: OutboxConsumer, batch: Sequence[Waiting]) -> None:
        """Append a batch: hopefully all new, else after a look at what is there."""
        rows = [row for waiting in batch for row in waiting.rows]
        try:
            # Nearly every event is new, so nobody looks first; a duplicate breaks a unique key.
            head = await self._append(tenant, lane.head, rows)
        except asyncpg.UniqueViolationError:
            head = None
        if head is not None:
            lane.head = head
            _answer((waiting, Appended(len(waiting.rows), head.sequence)) for waiting in batch)
        else:
            await self._append_fresh(tenant, lane, batch)
        EVENTS.inc(sum(len(waiting.rows) for waiting in batch))
        if self._appended is not None:
            self._appended(tenant)

    async def _append(self, tenant: str, head: Head | None, rows: Sequence[Row]) -> Head | None:
        """Append ``rows`` behind ``head``; None where the chain does not end there (any more)."""
        if head is None:
            return None
        async with self._database.transaction(tenant) as connection:
            return await _append_behind(await driver(connection), tenant, head, rows)

    async def _append_fresh(
        self, tenant: str, lane: OutboxConsumer, batch: Sequence[Waiting]
    ) -> None:
        """Append what is new of a batch, under the lock of the head, so that nobody else can."""
        async with self._database.transaction(tenant) as connection:
            raw = await driver(connection)
            await raw.execute(ledger_sql.FIRST_HEAD, tenant, GENESIS)
            head = Head(*(await raw.fetch(ledger_sql.LOCKED_HEAD, tenant))[0])
            fresh = await fresh_rows(raw, tenant, [waiting.rows for waiting in batch])
            rows = [row for one in fresh for row in one.rows]
            moved = await _append_behind(raw, tenant, head, rows)
            if moved is None:
                raise LookupError("the head moved although its row is locked")
        lane.head = moved
        _answer((waiting, _said(one, moved)) for waiting, one in zip(batch, fresh, strict=True))


async def _append_behind(
    raw: "asyncpg.Connection[asyncpg.Record]", tenant: str, head: Head, rows: Sequence[Row]
) -> Head | None:
    """Append ``rows`` behind ``head`` and answer the new head, None where ``head`` has moved."""
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


def _next_batch(lane: OutboxConsumer) -> list[Waiting]:
    """Whatever waits, up to the largest batch; a single caller's events are never split."""
    size, count = 0, 0
    for waiting in lane.queue:
        size += len(waiting.rows)
        if count and size > LARGEST_BATCH:
            break
        count += 1
    batch, lane.queue = lane.queue[:count], lane.queue[count:]
    lane.waiting -= sum(len(waiting.rows) for waiting in batch)
    return batch


def _said(fresh: Fresh, head: Head) -> Appended | Refused:
    return fresh.refused or Appended(len(fresh.rows), head.sequence)


def _answer(answers: Iterable[tuple[Waiting, Appended | Refused]]) -> None:
    for waiting, said in answers:
        if waiting.answer.done():  # its caller has gone; what it brought is in the ledger
            continue
        if isinstance(said, Refused):
            waiting.answer.set_exception(said)
        else:
            waiting.answer.set_result(said)


def _fail(batch: Sequence[Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
