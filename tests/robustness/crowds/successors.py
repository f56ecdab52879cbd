"""Participants that die at once, and those who take over what the dead have left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

from phoenix_dma.errors import PhoenixError
from phoenix_dma.v1.session_pb2 import Directive
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import Scenario, steward

LATE: Final = {"OFFER_LAPSED", "STALE_ASSIGNMENT", "NOT_PERMITTED"}
"""What is answered to who comes late for an offer."""


async def joined(scenario: Scenario, kind: str, size: int, capacity: int) -> list[Participant]:
    """Participants on one connection, registered and present."""
    transport = await scenario.transport()
    made = [
        Participant(transport, scenario.profile, steward(f"{kind}.{n:02d}", {"capacity": capacity}))
        for n in range(size)
    ]
    await asyncio.gather(*(one.join() for one in made))
    return made


async def begin_work(one: Participant) -> str:
    """Start the next task and checkpoint it once; answers which task that is."""
    directive = await one.directive("start_task")
    await one.start(directive.task_id, directive.epoch)
    await one.checkpoint(directive.task_id, directive.epoch, 0, {"outputs": {"done": [1]}})
    return directive.task_id


async def at_work(scenario: Scenario, size: int) -> dict[str, Participant]:
    """So many participants, each at work on a task of its own; by the task."""
    dying = await joined(scenario, "agent.dying", size, 1)
    for number in range(size):
        await scenario.submit(task_id=f"task.moving.{number:02d}")
    tasks = await asyncio.gather(*(begin_work(one) for one in dying))
    held = dict(zip(tasks, dying, strict=True))
    assert len(held) == size
    return held


class Successors:
    """Participants that accept every offer and checkpoint once more."""

    def __init__(self, participants: Sequence[Participant]) -> None:
        self._accepting = [asyncio.create_task(self._accept_all(one)) for one in participants]
        self.took: dict[str, float] = {}
        """Wall time at which the new owner's first write for a task was acknowledged."""

    async def have_taken(self, size: int) -> bool:
        """Whether so many tasks have a new owner at work."""
        for accepting in self._accepting:
            assert not accepting.done(), accepting.exception()
        return len(self.took) == size

    async def end(self) -> None:
        """Stop accepting offers."""
        for accepting in self._accepting:
            accepting.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)

    async def _accept_all(self, one: Participant) -> None:
        async with asyncio.TaskGroup() as work:
            while True:
                work.create_task(self._go_on(one, await one.directive("receive_handoff")))

    async def _go_on(self, one: Participant, offer: Directive) -> None:
        try:
            task = (await one.accept(offer)).briefing.task
        except PhoenixError as refused:
            # On a busy machine an offer may have passed to somebody else by now.
            if refused.reason in LATE:
                return
            raise
        context: dict[str, Any] = {"outputs": {"done": [1, 2]}}
        written = await one.checkpoint(task.task_id, task.epoch, 1, context)
        assert written.checkpoint.version == 2
        self.took[task.task_id] = time.time()
