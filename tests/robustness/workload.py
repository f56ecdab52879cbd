"""Two agents of a tenant at work: what was acknowledged is remembered, and has to be there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from phoenix_runtime.chassis.ids import new_id
from tests.e2e.scenarios.assertions import assert_invariants
from tests.e2e.scenarios.intervals import PATIENCE
from tests.e2e.scenarios.scenario import Scenario
from tests.robustness.chaos.history import History
from tests.robustness.chaos.play import is_kept
from tests.robustness.chaos.traffic import Traffic
from tests.support.processes.breakable_runtime import BreakableRuntime
from tests.support.waiting.until import until

AGENTS: Final = 2


class Workload(Traffic):
    """Traffic of the simplest kind: tasks are submitted and worked on, and none is moved."""

    async def begin(self) -> None:
        """Register the agents and start to submit tasks."""
        await self._stack.enter_async_context(self.scenario)
        for _ in range(AGENTS):
            await self._join()
        self._going = [asyncio.create_task(self._submit())]
        await self.works_on()

    async def works_on(self) -> None:
        """Return once a checkpoint has been acknowledged that was made after this call."""
        history, began = self._history, self._history.now

        async def worked() -> bool:
            since = history.since(began, history.now)
            return any(one.what == "checkpointed" for one in since)

        await until(worked, PATIENCE)

    async def holds(self) -> None:
        """Wait for the end of all tasks; nothing acknowledged is lost, tables and audit agree."""
        stuck = await self.settle(PATIENCE)
        assert not stuck, f"never done: {stuck}"
        # Before the look: a task whose submission nobody heard of may still be worked on.
        acknowledged = list(self._history.acknowledged)
        evidence = await self.scenario.evidence()
        lost = [one for one in acknowledged if not is_kept(one, evidence)]
        assert acknowledged
        assert not lost, f"acknowledged and lost: {lost}"
        await assert_invariants(self.scenario)


@asynccontextmanager
async def at_work(runtime: BreakableRuntime, folder: Path) -> AsyncIterator[Workload]:
    """A workload of a tenant of its own; at the end everything has to hold."""
    workload = Workload(
        Scenario(runtime, new_id("tenant")), History(folder / "history.jsonl"), seed=4
    )
    try:
        await workload.begin()
        yield workload
        await workload.holds()
    finally:
        await workload.end()
