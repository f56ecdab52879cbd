"""Single calls at a service's own port: the processor time of whoever answers them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from grpc_health.v1 import health_pb2, health_pb2_grpc

from phoenix_dma.v1 import assignment_pb2
from phoenix_runtime.chassis.ids import new_id
from tests.benchmarks.frame.clients import Client, channels, signing_person
from tests.benchmarks.frame.figures import Bar, Family, Figure, Run, at_most
from tests.benchmarks.frame.load import Call
from tests.benchmarks.frame.loaded import under_load
from tests.benchmarks.frame.metering import CountingRuntime, counting_runtime
from tests.e2e.scenarios.scenario import Scenario

CALLERS: Final = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """A call, the parts whose processor time is judged, and the bar."""

    call: Call
    parts: Sequence[str]
    bars: tuple[Bar, ...] = ()


async def measure(run: Run) -> AsyncIterator[Figure]:
    """A health check, GetTask and SubmitTask, a few at once."""
    async with (
        counting_runtime() as counting,
        Scenario(counting.runtime, new_id("tenant")) as scenario,
        channels(counting.runtime.address("assignment")) as (channel,),
    ):
        known = (await scenario.submit(on_request=True)).id
        health = health_pb2_grpc.HealthStub(channel)
        client = Client(channel, signing_person(scenario))
        check = health_pb2.HealthCheckRequest()
        asked = {
            "health check, direct": Asked(lambda: health.Check(check), ["assignment"]),
            "GetTask, direct": Asked(reading(client, known), ["assignment"], at_most(0.6)),
            "SubmitTask, direct": Asked(
                submitting(client, scenario), ["assignment", "governance"], at_most(1.8)
            ),
        }
        async for figure in each(run, counting, asked):
            yield figure


async def each(
    run: Run, counting: CountingRuntime, asked: Mapping[str, Asked]
) -> AsyncIterator[Figure]:
    """The processor time of each call, and what it asks of the database."""
    for what, one in asked.items():
        run.say(f"calls: {what}")
        timings, spent = await under_load(counting, [one.call] * CALLERS, run.seconds)
        yield Figure(
            what=what,
            value=spent.processor(*one.parts) / timings.count,
            unit=f"ms of a processor, {' + '.join(one.parts)}",
            bars=one.bars,
            steady=True,
            note=f"{timings.rate:,.0f}/s, p50 {timings.milliseconds(0.5):.1f} ms,"
            f" {spent.statements / timings.count:.1f} statements",
        )


def reading(client: Client, task_id: str) -> Call:
    """GetTask of a task that waits."""
    request = assignment_pb2.GetTaskRequest(task_id=task_id)
    return lambda: client.ask(client.stubs.assignment.GetTask, request)


def submitting(client: Client, scenario: Scenario) -> Call:
    """SubmitTask of tasks that nobody is looked for: they wait to be assigned by name."""

    async def submit() -> None:
        task = scenario.task(task_id=new_id("task"), on_request=True)
        request = assignment_pb2.SubmitTaskRequest(task=task)
        await client.ask(client.stubs.assignment.SubmitTask, request)

    return submit


FAMILY = Family(name="calls", asks="What does one call cost the service alone?", measure=measure)
