"""What a crowd costs: memory of a stream, time until all are heard, time until tasks have moved.

Run with ``python -m tests.benchmarks.crowds``. The tasks of the dead are timed from the expiry of
the lease to the first write of the new owner; memory is that of the registry and of the gateway.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from phoenix_runtime.chassis.ids import new_id
from tests.e2e.scenarios.intervals import INTERVALS, PATIENCE
from tests.e2e.scenarios.scenario import Scenario
from tests.robustness.crowds.heartbeat_clients import Terms, registered
from tests.robustness.crowds.measures import KIBIBYTE, percentile, resident
from tests.robustness.crowds.successors import Successors, at_work, joined
from tests.support.processes.breakable_runtime import BreakableRuntime, breakable_runtime
from tests.support.processes.replicated_runtime import replicated_runtime
from tests.support.waiting.until import until

TERMS: Final = Terms(ttl=15, interval=5, stay=20)
RuntimeWith = Callable[..., AbstractAsyncContextManager[BreakableRuntime]]


async def takeover(runtime: BreakableRuntime, dying: int) -> None:
    """So many die at once, and a fifth as many take over."""
    async with Scenario(runtime, new_id("tenant")) as scenario:
        held = await at_work(scenario, dying)
        heirs = max(1, dying // 5)
        successors = Successors(await joined(scenario, "agent.heir", heirs, dying // heirs + 1))
        await asyncio.gather(*(one.fall_silent() for one in held.values()))
        await until(lambda: successors.have_taken(dying), PATIENCE)
        await successors.end()
        lost = {
            one.participant: one.timestamp for one in await scenario.events("PARTICIPANT_FAILED")
        }
        expired = {task: lost[one.id].timestamp() for task, one in held.items()}
    seconds = [successors.took[task] - moment for task, moment in expired.items()]
    p50, p99 = (percentile(seconds, part) for part in (0.5, 0.99))
    print(
        f"{dying} died at once: from expiry to the new owner's work p50 {p50:.2f}, p99 {p99:.2f} s"
    )


async def streams(runtime: BreakableRuntime, size: int) -> None:
    """So many streams are opened at once, stay, and come back after a restart of the registry."""
    parts = ("registry", "gateway")
    async with (
        Scenario(runtime, new_id("tenant")) as scenario,
        registered(runtime, scenario, size, TERMS) as crowd,
    ):
        before = {part: memory(runtime, part) for part in parts}
        async with crowd.present():
            took = await crowd.all_heard()
            await asyncio.sleep(TERMS.stay)
            sizes = {part: memory(runtime, part) - before[part] for part in parts}
            for replica in runtime.replicas("registry"):
                await runtime.restart(replica, TERMS.environment)
            back = await crowd.all_heard()
    each = ", ".join(f"{part} {grown / size / KIBIBYTE:.1f} KiB" for part, grown in sizes.items())
    print(f"{size} streams: all heard after {took:.1f} s; a stream costs {each}")
    print(f"{size} streams: after a restart of the registry all back after {back:.1f} s")


def memory(runtime: BreakableRuntime, part: str) -> int:
    """Bytes that the processes of a service have."""
    return sum(map(resident, runtime.pids(part)))


async def run(runtime_with: RuntimeWith, dying: int, size: int) -> None:
    """Print all figures of one runtime."""
    async with runtime_with(INTERVALS) as runtime:
        await takeover(runtime, dying)
        await streams(runtime, size)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dying", type=int, default=50, help="participants that die at once (50)")
    parser.add_argument("--streams", type=int, default=300, help="streams that are open (300)")
    parser.add_argument("--twins", action="store_true", help="two replicas of each service")
    given = parser.parse_args()
    chosen: RuntimeWith = replicated_runtime if given.twins else breakable_runtime
    asyncio.run(run(chosen, given.dying, given.streams))
