"""The cost of a retirement against the tasks that are held (Algorithm 6)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from phoenix_runtime.chassis.ids import new_id
from tests.benchmarks.growth.stage import Stage
from tests.e2e.scenarios.participant import Participant
from tests.robustness.crowds.successors import begin_work


async def by_tasks(stage: Stage, counts: Sequence[int]) -> list[float]:
    """Milliseconds of a retirement for each number of tasks, until all of them have moved.

    Nobody else is there but one heir, who joins once the tasks are held.
    """
    found = []
    for count in counts:
        leaving = await stage.scenario.participant(new_id("agent"), capacity=count)
        for _ in range(count):
            await stage.scenario.submit(task_id=new_id("task"))
        await asyncio.gather(*(begin_work(leaving) for _ in range(count)))
        heir = await stage.scenario.participant(new_id("agent"), capacity=count)
        epochs: dict[str, int] = {}
        moved = partial(retire, stage, leaving, heir, epochs)
        found.append(await stage.costs.each(1, partial(moved, count)))
        await asyncio.gather(*(heir.complete(task, epochs[task], {}) for task in epochs))
        await (await stage.scenario.operator()).retire(heir.id)
        await asyncio.gather(heir.leave(), leaving.leave())
    return found


async def retire(
    stage: Stage, leaving: Participant, heir: Participant, epochs: dict[str, int], count: int
) -> None:
    """Retire at once; the heir accepts everything, and ``epochs`` gets what it holds."""
    await (await stage.scenario.operator()).retire(leaving.id, mode="immediate")
    for taken in await asyncio.gather(*(heir.take_over("") for _ in range(count))):
        task = taken.briefing.task
        epochs[task.task_id] = task.assignment.epoch
