"""kill -9 of everything, and the same runtime again: nothing that was acknowledged is lost."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest_asyncio

from phoenix_dma.v1 import state_pb2
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.validate import Evidence
from phoenix_runtime.local.runtime import LocalRuntime, LocalRuntimeOptions
from tests.e2e.scenarios.assertions import assert_invariants
from tests.e2e.scenarios.intervals import INTERVALS
from tests.e2e.scenarios.scenario import STEWARD, TASK, Scenario
from tests.support.processes.process_tree import children_of

PARTS = ("gateway", "rest", "registry", "assignment", "state", "governance", "postgres", "valkey")


class RestartableRuntime:
    """Successive runtimes on the same data and ports."""

    def __init__(self) -> None:
        self.options = LocalRuntimeOptions.temporary(environment=INTERVALS)
        self.runtime = LocalRuntime(self.options)

    async def start(self) -> None:
        await self.runtime.start()
        ports = {name: int(self.runtime.address(name).rpartition(":")[2]) for name in PARTS}
        self.options = LocalRuntimeOptions(
            data=self.options.data, ports=ports, free_ports=True, environment=INTERVALS
        )

    async def kill_everything(self) -> None:
        """Send SIGKILL to each program and each of its children, and stop what is left."""
        for pid in list(descendants(below=self._programs())):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await self.runtime.stop()

    async def start_again(self) -> None:
        self.runtime = LocalRuntime(self.options)
        await self.runtime.start()

    def _programs(self) -> set[int]:
        names = ("gateway", "registry", "assignment", "state", "governance", "postgres", "valkey")
        return {self.runtime.pid(name) for name in names}


def descendants(*, below: set[int]) -> Iterator[int]:
    """The programs and all processes that they have started."""
    for pid in below:
        yield pid
        yield from descendants(below=set(children_of(pid)))


@pytest_asyncio.fixture
async def restartable() -> AsyncIterator[RestartableRuntime]:
    restartable = RestartableRuntime()
    await restartable.start()
    yield restartable
    await restartable.runtime.stop()
    shutil.rmtree(restartable.options.data)


async def test_after_kill_9_of_everything_nothing_acknowledged_is_lost_and_work_goes_on(
    restartable: RestartableRuntime,
) -> None:
    async with Scenario(restartable.runtime, new_id("tenant")) as scenario:
        steward = await scenario.agent(STEWARD, hold_at=3)
        await steward.says("registered")
        await scenario.submit(input={"batches": [1, 2, 3, 4]})
        began = await steward.says("began")
        await steward.says("working", batch=3)
        await scenario.submit(task_id="task.waiting", required_capabilities=["product_validation"])
        await scenario.event("ASSIGNMENT_FAILED", task="task.waiting")
        before = await scenario.evidence()

        await restartable.kill_everything()
        # Its lease cannot be known to stand: the handler is cancelled, with a runtime or without.
        # Only then the runtime is back; sooner than a lease, and the handler would rightly go on.
        await steward.says("cancelled")
        await restartable.start_again()
        scenario.runtime = restartable.runtime

        await nothing_is_lost(scenario, before)

        again = await steward.says("began")
        assert again["done"] == [1, 2]
        assert again["epoch"] >= began["epoch"]
        newcomer = await scenario.participant(
            "agent.product.001", capabilities=["product_validation"]
        )
        await newcomer.take("task.waiting")
        steward.kill_9()
        last = await scenario.agent("agent.customer-steward.003")
        await last.says("finished")
        assert (await scenario.task_in(TASK, "succeeded")).result == {"done": [1, 2, 3, 4]}
        await assert_invariants(scenario)


async def nothing_is_lost(scenario: Scenario, before: Evidence) -> None:
    """Every event and task of ``before`` is there, and the last acknowledged checkpoint."""
    after = await scenario.evidence()
    kept = {event.event_id for event in after.events}
    lost = [event for event in before.events if event.event_id not in kept]
    assert not lost
    assert {task.task_id for task in after.tasks} == {TASK, "task.waiting"}
    (task,) = [task for task in after.tasks if task.task_id == TASK]
    assert task.pointer_version == 2
    operator = await scenario.operator()
    request = state_pb2.GetContextRequest(context_ref=f"phoenix://state/{TASK}/2")
    kept_context = await operator.ask(operator.stubs.state.GetContext, request)
    assert kept_context.checkpoint.hash == task.pointer_hash
