"""Checkpoints of 1 KiB: sixteen tasks at work, each written again and again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from phoenix_dma.v1 import state_pb2
from phoenix_dma.wire.conversions import struct_of
from phoenix_runtime.chassis.ids import new_id
from tests.benchmarks.frame.clients import CALLERS, Client, channels, signing_as
from tests.benchmarks.frame.figures import Family, Figure, Run, at_least
from tests.benchmarks.frame.loaded import load_figures, under_load
from tests.benchmarks.frame.metering import counting_runtime
from tests.e2e.scenarios.scenario import STEWARD, Scenario

KIBIBYTE: Final = 1024


def checkpoints(
    client: Client, task_id: str, epoch: int, size: int = KIBIBYTE, version: int = 0
) -> Callable[[], Awaitable[None]]:
    """A call that writes the next version of a task's context, of about ``size`` bytes."""
    written = [version]

    async def write() -> None:
        outputs = {"version": written[0], "found": "x" * size}
        context = struct_of({"outputs": outputs})
        request = state_pb2.CheckpointContextRequest(
            task_id=task_id, epoch=epoch, base_version=written[0], context=context
        )
        answer = await client.ask(client.stubs.state.CheckpointContext, request)
        written[0] = answer.checkpoint.version

    return write


async def measure(run: Run) -> AsyncIterator[Figure]:
    """Algorithm 4 through the gateway."""
    async with (
        counting_runtime() as counting,
        Scenario(counting.runtime, new_id("tenant")) as scenario,
        channels(counting.runtime.address("gateway")) as (channel,),
    ):
        steward = await scenario.participant(capacity=2 * CALLERS)
        client = Client(channel, signing_as(scenario, STEWARD))
        calls = []
        for number in range(CALLERS):
            task_id = f"task.bench.{number:02d}"
            await scenario.submit(task_id=task_id)
            briefing = await steward.take(task_id)
            calls.append(checkpoints(client, task_id, briefing.task.assignment.epoch))
        run.say("checkpoint: sixteen tasks at once")
        measured = await under_load(counting, calls, run.seconds)
        bars = {"rate": at_least(300)}
        for figure in load_figures(
            "checkpoint of 1 KiB, 16 at once", "checkpoints", measured, bars
        ):
            yield figure


FAMILY = Family(
    name="checkpoint", asks="How fast is a context of 1 KiB made safe?", measure=measure
)
