"""How long it takes until a caller is told that a link between two parts has fallen silent.

Run with ``python -m tests.benchmarks.partitions``. The bar on an idle machine is five seconds: for
a call over a connection that was there, and for one that has to connect.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from phoenix_runtime.chassis.ids import new_id
from tests.e2e.scenarios.intervals import INTERVALS
from tests.e2e.scenarios.scenario import Scenario
from tests.robustness.partitions.probes import Probe, database_probes, link_probes
from tests.support.processes.linked_runtime import LINKS, LinkedRuntime, linked_runtime

STORED = ("registry", "assignment", "governance")


async def seconds(probe: Probe) -> Sequence[float]:
    """How long each of three calls took until it was refused."""
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        refused = await probe.once()
        took.append(time.perf_counter() - begun)
        assert refused is not None, f"{probe.method} was answered"
    return took


async def silenced(runtime: LinkedRuntime, link: tuple[str, str], probe: Probe) -> None:
    """Print what it takes for one link."""
    await probe.is_answered()
    with runtime.link(*link).silent():
        took = await seconds(probe)
    await probe.is_answered()
    print(f"{'-'.join(link)}: told after {', '.join(f'{one:.1f}' for one in took)} s")


async def run() -> None:
    """Every link between services, then each service's own database."""
    async with (
        linked_runtime(INTERVALS) as runtime,
        Scenario(runtime, new_id("tenant")) as scenario,
    ):
        probes = await link_probes(scenario)
        for link in LINKS:
            await silenced(runtime, link, probes[link])
        for part, probe in zip(STORED, await database_probes(scenario, STORED), strict=True):
            await silenced(runtime, (part, "postgres"), probe)


if __name__ == "__main__":
    asyncio.run(run())
