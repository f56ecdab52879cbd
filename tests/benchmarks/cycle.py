"""A task's cycle: submitted, bound, started, completed; alone and sixteen at once.

Clients use the gateway as anybody does. Statements are those of the services' own roles and, of
their workers, the claims and marks. Temporal does a workflow with one activity meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.profile import read_profile
from phoenix_dma.v1 import assignment_pb2
from tests.benchmarks.frame.figures import (
    Family,
    Figure,
    Peer,
    Run,
    at_most,
    part_of_peer,
    times_peer,
)
from tests.benchmarks.frame.load import drive
from tests.benchmarks.frame.loaded import load_figures
from tests.benchmarks.frame.metering import counting_runtime
from tests.benchmarks.peers import temporal

NEED: Final = ["duplicate_detection"]
AT_ONCE: Final = 16
WARM: Final = 20


class Cycles:
    """An agent that completes whatever it gets, and somebody who submits."""

    def __init__(self, profile: Path) -> None:
        read = read_profile(profile)
        self._submitter = AsyncPhoenixClient(profile=read)
        self._agent = AsyncPhoenixClient(profile=read)
        self._left: dict[str, asyncio.Event] = {}
        """Set once the agent has been told that its completion is taken; by task."""
        self._working: set[str] = set()

    async def open(self) -> None:
        """Register the agent."""

        @self._agent.task_handler()
        async def handle(task: AsyncTask) -> dict[str, bool]:
            self._working.add(task.id)
            return {"done": True}

        await self._agent.register_participant(
            id="agent.bench",
            type="agent",
            owner="bench",
            capabilities=NEED,
            data_domains=["customer"],
            capacity=4 * AT_ONCE,
        )
        assert self._agent.participant is not None
        executions = self._agent.participant.executions
        executions.changed = self._after(executions.changed)

    async def close(self) -> None:
        """Leave."""
        await self._agent.close()
        await self._submitter.close()

    async def cycle(self) -> None:
        """One task, until its completion was acknowledged to the agent."""
        declared = assignment_pb2.TaskDeclaration(
            objective="Measure", required_capabilities=NEED, task_type="bench"
        )
        task = await self._submitter.api.submit(declared)
        await self._event(task.id).wait()
        del self._left[task.id]

    def _after(self, changed: Callable[[], None]) -> Callable[[], None]:
        """What the agent does when an execution begins or ends, and then ours."""
        assert self._agent.participant is not None
        find = self._agent.participant.executions.find

        def tell() -> None:
            changed()
            for task_id in [one for one in self._working if find(one) is None]:
                self._working.discard(task_id)
                self._event(task_id).set()

        return tell

    def _event(self, task_id: str) -> asyncio.Event:
        return self._left.setdefault(task_id, asyncio.Event())


@asynccontextmanager
async def cycles(profile: Path) -> AsyncIterator[Cycles]:
    """Cycles for the length of a block, warm."""
    made = Cycles(profile)
    await made.open()
    try:
        await drive([made.cycle] * 2, count=WARM)
        yield made
    finally:
        await made.close()


async def measure(run: Run) -> AsyncIterator[Figure]:
    """Temporal first, then the runtime: never both at once."""
    run.say("cycle: Temporal, a workflow with one activity")
    beside = await temporal.measured("cycle", seconds=run.seconds, at_once=AT_ONCE)
    async with counting_runtime() as counting, cycles(counting.runtime.profile) as made:
        run.say("cycle: one at a time")
        alone = await counting.measured(lambda: drive([made.cycle], seconds=run.seconds))
        run.say("cycle: sixteen at once")
        together = await counting.measured(
            lambda: drive([made.cycle] * AT_ONCE, seconds=run.seconds)
        )
    at_once = peers_of(beside, "at_once")
    bars = {"rate": times_peer(2), "processor": at_most(15)}
    bars |= {"statements": at_most(30), "commits": at_most(8)}
    for figure in load_figures(f"task cycle, {AT_ONCE} at once", "tasks", together, bars, at_once):
        yield figure
    bars = {"p50": part_of_peer(0.25), "statements": at_most(45), "commits": at_most(14)}
    by_one = peers_of(beside, "alone")
    for figure in load_figures("task cycle, one at a time", "tasks", alone, bars, by_one):
        yield figure


def peers_of(beside: Mapping[str, Any] | None, how: str) -> dict[str, Peer]:
    """Temporal's figures by the rows that they stand beside; without value where it is absent."""
    found = beside[how] if beside else {}
    names = {"rate": "rate", "p50": "p50_ms", "p99": "p99_ms"}
    return {row: Peer("Temporal", found.get(name)) for row, name in names.items()}


FAMILY = Family(
    name="cycle",
    asks="What does a governed task cost from submission to completion?",
    measure=measure,
    peers=("Temporal",),
)
