"""Durable audit appends: group commit against a locked head row, in one run on one server.

The bar is 15 times the locked head and a p99 of at most 5 ms, both at 32 callers (only ratios
inside one run are to be trusted). The clients are the service's own store: the ledger has no public
door for plain appends.
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from governance_svc.domain.ledger.entries import VerifiedEvent, verified
from governance_svc.store import ledger_sql
from governance_svc.store.ledger_rows import COLUMNS, row_of
from governance_svc.store.ledger_writer import GroupCommitLedger
from phoenix_runtime.chassis.data.connecting import DatabaseOptions, create_database
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.migrations import upgrade
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.chain import GENESIS, Head, chained
from phoenix_runtime.core.clock import SteadyClock
from phoenix_runtime.core.documents import with_content
from phoenix_runtime.local.runtime import LocalRuntime, LocalRuntimeOptions
from tests.benchmarks.frame.figures import (
    Family,
    Figure,
    Peer,
    Run,
    at_most,
    times_peer,
)
from tests.support.builders.audit_events import audit_event
from tests.support.servers.temporary import temporary

_NAMES = ", ".join(COLUMNS)
_VALUES = ", ".join(f"${number}" for number in range(4, 4 + len(COLUMNS)))
INSERT = (
    f"INSERT INTO governance.ledger_events (tenant, sequence, chain_hash, {_NAMES})"  # noqa: S608
    f" VALUES ($1, $2, $3, {_VALUES})"
)
MOVE = "UPDATE governance.ledger_heads SET sequence = $2, chain_hash = $3 WHERE tenant = $1"

CALLERS: Final = 32
EVENTS: Final = 20_000

Append = Callable[[str, Sequence[VerifiedEvent]], Awaitable[object]]


class LockedHead:
    """The naive ledger: every append locks the head row, alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, tenant: str, events: Sequence[VerifiedEvent]) -> None:
        """One transaction for one caller's events."""
        async with self._database.transaction(tenant) as connection:
            raw = await connection.begin()
            await raw.execute(ledger_sql.FIRST_HEAD, tenant, GENESIS)
            head = Head(*(await raw.fetch(ledger_sql.LOCKED_HEAD, tenant))[0])
            for event in events:
                row = row_of(event)
                head = Head(head.sequence + 1, chained(head.chain_hash, row.leaf_hash))
                await raw.execute(INSERT, tenant, head.sequence, head.chain_hash, *row.values)
            await raw.execute(MOVE, tenant, head.sequence, head.chain_hash)


@dataclass(frozen=True, slots=True)
class Figures:
    """Events a second, and the 99th percentile of one append in milliseconds."""

    rate: float
    p99: float


async def appended(append: Append, events: int, size: int) -> Figures:
    """`CALLERS` append ``events`` in all, ``size`` a call, made before the clock runs."""
    tenant = new_id("tenant")
    waiting = iter([[made(tenant) for _ in range(size)] for _ in range(events // size)])
    lengths: list[float] = []

    async def caller() -> None:
        for batch in waiting:
            begun = time.perf_counter()
            await append(tenant, batch)
            lengths.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    rate = len(lengths) * size / (time.perf_counter() - begun)
    return Figures(rate, statistics.quantiles(lengths, n=100)[98] * 1000)


def made(tenant: str) -> VerifiedEvent:
    """An event of ordinary size."""
    event = audit_event(
        tenant,
        task=new_id("task"),
        correlation_id=new_id("audit.corr"),
        detail={"why": "x" * 400, "alternatives": ["a", "b", "c"]},
        policy_decision={"decision_id": new_id("opa.dec"), "effect": "allow"},
    )
    return verified(with_content(event))


async def measure(run: Run) -> AsyncIterator[Figure]:
    """The naive ledger and ours on the same server, one after the other."""
    events = run.choose(EVENTS, 2_000)
    async with temporary(LocalRuntime(LocalRuntimeOptions.temporary(services=()))) as runtime:
        urls = runtime.databases["governance"]
        await upgrade("governance_svc", urls.owner)
        pool = DatabaseOptions(name="benchmark", pool=CALLERS + 2)
        database = create_database(urls.application, clock=SteadyClock(), options=pool)
        group = GroupCommitLedger(database)
        await appended(group.append, 2_000, 1)  # warm
        run.say("ledger: the naive append under a locked head")
        locked = await appended(LockedHead(database).append, events // 10, 1)
        run.say("ledger: group commit")
        grouped = await appended(group.append, events, 1)
        many = await appended(group.append, events, 50)
        await database.close()
    yield Figure(
        what=f"audit append, {CALLERS} callers",
        value=grouped.rate,
        unit="events/s",
        bars=times_peer(15),
        peer=Peer("locked head", locked.rate),
    )
    yield Figure(
        what=f"audit append, {CALLERS} callers",
        value=grouped.p99,
        unit="ms p99",
        bars=at_most(5),
        peer=Peer("locked head", locked.p99),
    )
    yield Figure(what="audit append, 50 events a call", value=many.rate, unit="events/s")


FAMILY = Family(name="ledger", asks="How fast is an event durable?", measure=measure)
