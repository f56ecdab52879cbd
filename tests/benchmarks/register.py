"""Registration: sixteen callers, each call another participant, through the gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count

from phoenix_runtime.chassis.ids import new_id
from tests.benchmarks.frame.clients import CALLERS, channels, register
from tests.benchmarks.frame.figures import Family, Figure, Run, at_least
from tests.benchmarks.frame.loaded import load_figures, under_load
from tests.benchmarks.frame.metering import counting_runtime
from tests.e2e.scenarios.scenario import Scenario


async def measure(run: Run) -> AsyncIterator[Figure]:
    """Algorithm 1 with policy, grants and audit."""
    numbers = count()
    async with (
        counting_runtime() as counting,
        Scenario(counting.runtime, new_id("tenant")) as scenario,
        channels(counting.runtime.address("gateway"), CALLERS) as connections,
    ):

        async def join() -> None:
            number = next(numbers)
            channel = connections[number % CALLERS]
            await register(scenario, channel, f"agent.bench.{number:06d}", {"liveness": "unleased"})

        run.say("register: sixteen callers")
        measured = await under_load(counting, [join] * CALLERS, run.seconds)
        for figure in load_figures(
            "register, 16 callers", "registrations", measured, {"rate": at_least(300)}
        ):
            yield figure


FAMILY = Family(name="register", asks="How fast do participants join?", measure=measure)
