"""Costs against the size of a context: checkpoint and handoff (Algorithms 4 and 5)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tests.benchmarks.checkpoint import KIBIBYTE, checkpoints
from tests.benchmarks.frame.clients import Client, channels, signing_as
from tests.benchmarks.growth.stage import Stage
from tests.e2e.scenarios.participant import Participant

HANDOFFS = 6
CHECKPOINTS = 24


class Held:
    """A task that two stewards hand to and fro."""

    def __init__(self, stage: Stage, task_id: str, pair: Sequence[Participant]) -> None:
        self._stage = stage
        self._task_id = task_id
        self._pair = list(pair)
        self.epoch = 0
        self.version = 0

    async def begin(self) -> None:
        """Submit the task; whoever it is bound to starts it and is the first to hold it."""
        submitted = await self._stage.scenario.submit(task_id=self._task_id)
        owner = (await self._stage.scenario.task_in(submitted.id, "assigned")).participant
        self._pair.sort(key=lambda one: one.id != owner)
        briefing = await self._pair[0].take(self._task_id)
        self.epoch = briefing.task.assignment.epoch

    async def hand_over(self) -> None:
        """From the one who holds it to the other one, who reads the context and accepts."""
        source, target = self._pair
        await (await self._stage.scenario.operator()).hand_off(self._task_id)
        taken = await target.take_over(self._task_id)
        self.epoch = taken.briefing.task.assignment.epoch
        self._pair = [target, source]

    async def times(self, count: int) -> None:
        """So many handoffs, one after the other."""
        for _ in range(count):
            await self.hand_over()

    async def write(self, size: int, count: int) -> None:
        """So many checkpoints of that size by whoever holds it."""
        address = self._stage.scenario.runtime.address("gateway")
        async with channels(address) as (channel,):
            client = Client(channel, signing_as(self._stage.scenario, self._pair[0].id))
            write = checkpoints(client, self._task_id, self.epoch, size, self.version)
            for _ in range(count):
                await write()
        self.version += count


async def by_size(stage: Stage, held: Held, sizes: Sequence[int]) -> dict[str, list[float]]:
    """Milliseconds of a checkpoint and of a handoff for each size in KiB."""
    found: dict[str, list[float]] = {"CheckpointContext": [], "InitiateHandoff": []}
    for size in sizes:
        works = {
            "CheckpointContext": (CHECKPOINTS, partial(held.write, size * KIBIBYTE, CHECKPOINTS)),
            "InitiateHandoff": (HANDOFFS, partial(held.times, HANDOFFS)),
        }
        for name, (count, work) in works.items():
            found[name].append(await stage.costs.each(count, work))
    return found
