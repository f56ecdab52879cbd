"""Streams that are open and do little: what each costs, and how soon a crowd of them is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Final

from phoenix_runtime.chassis.ids import new_id
from tests.benchmarks.beats import CONNECTIONS, UNHURRIED
from tests.benchmarks.frame.beating import BeatStream, beat_streams, members_of, opened
from tests.benchmarks.frame.choosing import runtime_for
from tests.benchmarks.frame.clients import channels, populate
from tests.benchmarks.frame.figures import Family, Figure, Run, at_most
from tests.e2e.scenarios.intervals import INTERVALS
from tests.e2e.scenarios.scenario import Scenario
from tests.robustness.crowds.heartbeat_clients import Terms, registered
from tests.robustness.crowds.measures import KIBIBYTE, resident
from tests.support.processes.breakable_runtime import BreakableRuntime

TERMS: Final = Terms(ttl=15, interval=5, stay=20)
BARS: Final = {"registry": at_most(40), "gateway": ()}
SETTLE_SECONDS: Final = 5.0
CROWD: Final = 300


async def measure(run: Run) -> AsyncIterator[Figure]:
    """Memory on a runtime that nobody restarts, then a crowd whose registry is killed."""
    async with runtime_for(run, UNHURRIED) as runtime:
        async for figure in memory(run, runtime):
            yield figure
    async with runtime_for(run, INTERVALS) as runtime:
        async for figure in returning(run, runtime):
            yield figure


async def memory(run: Run, runtime: BreakableRuntime) -> AsyncIterator[Figure]:
    """What each further stream costs, once some have warmed the processes up."""
    warm, more = run.choose(200, 50), run.choose(800, 150)
    async with Scenario(runtime, new_id("tenant")) as scenario, AsyncExitStack() as stack:
        run.say(f"streams: {warm + more} participants register")
        names = await populate(scenario, "agent.idle", warm + more, {})
        address = runtime.address("gateway")
        connections = await stack.enter_async_context(channels(address, CONNECTIONS))
        streams = beat_streams(connections, members_of(scenario, names))
        before = await resident_with(stack, runtime, streams[:warm])
        run.say(f"streams: {more} more are opened")
        after = await resident_with(stack, runtime, streams[warm:])
    for part, bars in BARS.items():
        yield Figure(
            what=f"an idle stream, memory of the {part}",
            value=(after[part] - before[part]) / more / KIBIBYTE,
            unit="KiB",
            bars=bars,
            steady=True,
            note=f"the mean of {more}, after {warm}",
        )


async def resident_with(
    stack: AsyncExitStack, runtime: BreakableRuntime, streams: list[BeatStream]
) -> dict[str, int]:
    """The memory of each part once these are open too."""
    await stack.enter_async_context(opened(streams))
    await asyncio.sleep(SETTLE_SECONDS)
    return {part: sum(map(resident, runtime.pids(part))) for part in BARS}


async def returning(run: Run, runtime: BreakableRuntime) -> AsyncIterator[Figure]:
    """A crowd attaches at once, stays, and comes back after a restart of the registry."""
    size = run.choose(CROWD, 50)
    async with (
        Scenario(runtime, new_id("tenant")) as scenario,
        registered(runtime, scenario, size, TERMS) as crowd,
        crowd.present(),
    ):
        run.say(f"streams: {size} attach at once")
        took = await crowd.all_heard()
        await asyncio.sleep(run.choose(int(TERMS.stay), 3))
        run.say("streams: the registry is killed under them")
        for replica in runtime.replicas("registry"):
            await runtime.restart(replica, TERMS.environment)
        back = await crowd.all_heard()
    yield Figure(what=f"{size} streams attach at once, until all are heard", value=took, unit="s")
    yield Figure(what=f"{size} streams are back after the registry died", value=back, unit="s")


FAMILY = Family(name="streams", asks="What does an idle stream cost?", measure=measure)
