"""Costs against the number of participants: Algorithms 1, 2, 3 and 5."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from phoenix_dma.v1 import assignment_pb2, registry_pb2
from phoenix_runtime.chassis.ids import new_id
from tests.benchmarks.frame.clients import channels, register
from tests.benchmarks.frame.load import Call, drive
from tests.benchmarks.frame.population import NEED, Population, template
from tests.benchmarks.growth.by_size import HANDOFFS, Held
from tests.benchmarks.growth.stage import Stage

CALLS = 40
ASSIGNED = 20


async def by_participants(
    stage: Stage, held: Held, present: Sequence[str], sizes: Sequence[int]
) -> dict[str, list[float]]:
    """Milliseconds of each algorithm for each number of participants."""
    await template(stage.scenario)
    database = stage.counting.database
    crowd = Population(stage.scenario.tenant, stage.operator, database, present=present)
    found: dict[str, list[float]] = {}
    for size in sizes:
        await crowd.grow(size)
        works = {
            "RegisterParticipant": (CALLS, partial(repeated, partial(joining, stage))),
            "DiscoverParticipants": (CALLS, partial(repeated, partial(searching, stage))),
            "AssignTask": (ASSIGNED, partial(assigned, stage)),
            "InitiateHandoff": (HANDOFFS, partial(held.times, HANDOFFS)),
        }
        for name, (count, work) in works.items():
            found.setdefault(name, []).append(await stage.costs.each(count, work))
    return found


async def repeated(call: Call) -> None:
    """One after the other."""
    await drive([call], count=CALLS)


async def joining(stage: Stage) -> None:
    """Somebody else registers, who has what nobody needs."""
    async with channels(stage.scenario.runtime.address("gateway")) as (channel,):
        fields = {"liveness": "unleased", "capabilities": ["policy_check"]}
        await register(stage.scenario, channel, new_id("agent"), fields)  # type: ignore[arg-type]


async def searching(stage: Stage) -> None:
    """A page of ten."""
    wanted = registry_pb2.DiscoverParticipantsRequest(required_capabilities=NEED, page_size=10)
    await stage.operator.ask(stage.operator.stubs.registry.DiscoverParticipants, wanted)


async def assigned(stage: Stage) -> None:
    """Tasks that are submitted and assigned in one call, and cancelled at the end."""
    stub = stage.operator.stubs.assignment
    names = [new_id("task") for _ in range(ASSIGNED)]
    for name in names:
        request = assignment_pb2.AssignTaskRequest(task=stage.scenario.task(task_id=name))
        await stage.operator.ask(stub.AssignTask, request)
    for name in names:
        await stage.operator.ask(stub.CancelTask, assignment_pb2.CancelTaskRequest(task_id=name))
