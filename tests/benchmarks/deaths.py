"""A tenth of very many die at once: how long past their lease the last one is audited."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import asyncpg

from phoenix_runtime.chassis.ids import new_id
from tests.benchmarks.beats import CONNECTIONS
from tests.benchmarks.frame.beating import BeatStream, beat_streams, members_of, opened
from tests.benchmarks.frame.clients import channels, ended, populate
from tests.benchmarks.frame.figures import Family, Figure, Run, at_most
from tests.e2e.scenarios.scenario import Scenario
from tests.support.processes.breakable_runtime import BreakableRuntime, breakable_runtime
from tests.support.waiting.until import until

TTL: Final = 10.0
INTERVAL: Final = 3.0
TERMS: Final = {
    "PHOENIX_DMA_LEASE_TTL": str(TTL),
    "PHOENIX_DMA_HEARTBEAT_INTERVAL": str(INTERVAL),
}
LENIENT: Final = {"PHOENIX_DMA_LEASE_TTL": "3600", "PHOENIX_DMA_HEARTBEAT_INTERVAL": "1200"}
"""Of the registry while so many register; it is started again with `TERMS`."""
A_STREAM: Final = 100
"""Participants on one stream, as behind a gateway of agents."""
AUDITED: Final = """
    SELECT count(*) FROM governance.ledger_events
    WHERE tenant = $1 AND type = 'PARTICIPANT_FAILED'
"""


async def keep_beating(stream: BeatStream, heard: dict[BeatStream, float]) -> None:
    """One message in an interval, until cancelled; ``heard`` gets when it was sent."""
    while True:
        sent = time.monotonic()
        await stream.beat()
        heard[stream] = sent
        await asyncio.sleep(INTERVAL)


async def measure(run: Run) -> AsyncIterator[Figure]:
    """Everybody beats; then a tenth of the streams is broken and does not come back."""
    size = 100_000 if run.full else run.choose(10_000, 400)
    dying = size // 10
    async with (
        breakable_runtime(LENIENT) as runtime,
        Scenario(runtime, new_id("tenant")) as scenario,
        channels(runtime.address("registry"), CONNECTIONS) as connections,
    ):
        run.say(f"deaths: {size:,} participants register")
        names = await populate(scenario, "agent.mortal", size, {})
        await runtime.restart("registry", TERMS)
        streams = beat_streams(connections, members_of(scenario, names), run.choose(A_STREAM, 10))
        async with opened(streams), audit_of(runtime, scenario.tenant) as audited:
            run.say(f"deaths: {dying:,} of {size:,} die at once")
            took = await last_found(streams, dying, audited)
            failed = await audited()
    yield Figure(
        what=f"{dying:,} of {size:,} die at once: the last one is failed and audited",
        value=took - TTL,
        unit="s past the TTL",
        bars=at_most(1),
        note=f"{failed - dying} of the living were failed",
    )


Count = Callable[[], Awaitable[int]]
"""Reads how many were failed."""


async def last_found(streams: Sequence[BeatStream], dying: int, audited: Count) -> float:
    """Seconds from the last beat of a tenth of the streams until all behind them are audited."""
    heard: dict[BeatStream, float] = {}
    beating = [asyncio.create_task(keep_beating(stream, heard)) for stream in streams]
    await asyncio.sleep(2 * INTERVAL)
    part = len(streams) // 10
    await ended(beating[:part])
    for stream in streams[:part]:
        await stream.close()
    last = max(heard[stream] for stream in streams[:part])

    async def all_audited() -> bool:
        return await audited() >= dying

    await until(all_audited)
    took = time.monotonic() - last
    await ended(beating[part:])
    return took


@asynccontextmanager
async def audit_of(runtime: BreakableRuntime, tenant: str) -> AsyncIterator[Count]:
    """A count of the tenant's failed in the ledger."""
    database = await asyncpg.connect(runtime.admin_url)
    try:
        yield partial(database.fetchval, AUDITED, tenant)
    finally:
        await database.close()


FAMILY = Family(name="deaths", asks="How soon are very many deaths noticed?", measure=measure)
