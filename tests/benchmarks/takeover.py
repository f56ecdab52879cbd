"""Fifty owners die at once: from the expiry of their leases to the new owners' work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from phoenix_runtime.chassis.ids import new_id
from tests.benchmarks.frame.choosing import runtime_for
from tests.benchmarks.frame.figures import Family, Figure, Peer, Run, at_most, part_of_peer
from tests.benchmarks.peers import temporal
from tests.e2e.scenarios.intervals import INTERVALS, PATIENCE
from tests.e2e.scenarios.scenario import Scenario
from tests.robustness.crowds.measures import percentile
from tests.robustness.crowds.successors import Successors, at_work, joined
from tests.support.processes.breakable_runtime import BreakableRuntime
from tests.support.waiting.until import until

DYING: Final = 50


async def taken_over(runtime: BreakableRuntime, dying: int) -> list[float]:
    """So many die at once, a fifth as many take over; seconds to the first write of the new owner.

    The new owner has read the context, accepted the obligations and written a checkpoint by then.
    """
    async with Scenario(runtime, new_id("tenant")) as scenario:
        held = await at_work(scenario, dying)
        heirs = max(1, dying // 5)
        successors = Successors(await joined(scenario, "agent.heir", heirs, dying // heirs + 1))
        await asyncio.gather(*(one.fall_silent() for one in held.values()))
        await until(lambda: successors.have_taken(dying), PATIENCE)
        await successors.end()
        failed = await scenario.events("PARTICIPANT_FAILED")
        lost = {one.participant: one.timestamp.timestamp() for one in failed}
    return [successors.took[task] - lost[one.id] for task, one in held.items()]


async def measure(run: Run) -> AsyncIterator[Figure]:
    """Temporal's activities run elsewhere after the timeout of their heartbeats."""
    dying = run.choose(DYING, 10)
    run.say(f"takeover: Temporal, {dying} activities whose worker is killed")
    beside = await temporal.measured("takeover", dying=dying)
    async with runtime_for(run, INTERVALS) as runtime:
        run.say(f"takeover: {dying} owners die at once")
        seconds = await taken_over(runtime, dying)
    for share, name, bars in (
        (0.5, "p50", ()),
        (0.99, "p99", at_most(1) + part_of_peer(1)),
    ):
        yield Figure(
            what=f"{dying} owners die at once: expiry to the new owner's work",
            value=percentile(seconds, share),
            unit=f"s {name}",
            bars=bars,
            peer=Peer("Temporal", beside[name] if beside else None),
        )


FAMILY = Family(
    name="takeover",
    asks="How soon does somebody else go on with the work of the dead?",
    measure=measure,
    peers=("Temporal",),
)
