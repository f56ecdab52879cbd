"""How long it takes until a caller is told that a link between two parts has fallen silent.

The bar on an idle machine is five seconds: for a call over a connection that was there, and for one
that has to connect.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from phoenix_runtime.chassis.ids import new_id
from tests.benchmarks.frame.figures import Family, Figure, Run, at_most
from tests.e2e.scenarios.intervals import INTERVALS
from tests.e2e.scenarios.scenario import Scenario
from tests.robustness.partitions.probes import Probe, database_probes, link_probes
from tests.support.processes.linked_runtime import LINKS, LinkedRuntime, linked_runtime

STORED = ("registry", "assignment", "governance")


async def silenced(
    runtime: LinkedRuntime, link: tuple[str, str], probe: Probe, tries: int
) -> Figure:
    """The longest of some calls over a link that says nothing, until each was refused."""
    await probe.is_answered()
    took = []
    with runtime.link(*link).silent():
        for _ in range(tries):
            begun = time.perf_counter()
            refused = await probe.once()
            took.append(time.perf_counter() - begun)
            assert refused is not None, f"{probe.method} was answered"
    await probe.is_answered()
    return Figure(
        what=f"silence between {' and '.join(link)}: the caller is told",
        value=max(took),
        unit="s",
        bars=at_most(5),
        note=", ".join(f"{one:.1f}" for one in took),
    )


async def measure(run: Run) -> AsyncIterator[Figure]:
    """Every link between services, then each service's own database."""
    tries = run.choose(3, 1)
    async with (
        linked_runtime(INTERVALS) as runtime,
        Scenario(runtime, new_id("tenant")) as scenario,
    ):
        probes = await link_probes(scenario)
        for link in LINKS[: run.choose(len(LINKS), 1)]:
            run.say(f"partitions: {' – '.join(link)}")
            yield await silenced(runtime, link, probes[link], tries)
        stored = STORED[: run.choose(len(STORED), 1)]
        for part, probe in zip(stored, await database_probes(scenario, stored), strict=True):
            run.say(f"partitions: {part} – postgres")
            yield await silenced(runtime, (part, "postgres"), probe, tries)


FAMILY = Family(name="partitions", asks="How soon is silence on a link noticed?", measure=measure)
