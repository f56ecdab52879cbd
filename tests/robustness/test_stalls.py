"""A part hangs and goes on: nobody is failed for what was not heard, zombies are refused.

A stall lasts longer than a lease; in the long form also twice as long, for each service.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.local.services import MODULES
from tests.e2e.scenarios.assertions import assert_invariants
from tests.e2e.scenarios.intervals import INTERVALS, PAST_A_LEASE
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario
from tests.robustness.forms import short_and_long
from tests.robustness.workload import at_work
from tests.support.processes.breakable_runtime import BreakableRuntime, breakable_runtime, stalled

pytestmark = pytest.mark.asyncio(loop_scope="module")

STALLS: Final = short_and_long([PAST_A_LEASE], [PAST_A_LEASE, 20.0])
"""Seconds."""
PARTS: Final = short_and_long(["gateway"], MODULES)
"""`tests/e2e` stalls the registry and Redis."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runtime() -> AsyncIterator[BreakableRuntime]:
    async with breakable_runtime(INTERVALS) as runtime:
        yield runtime


@pytest.mark.parametrize("seconds", STALLS)
@pytest.mark.parametrize("part", PARTS)
async def test_a_service_that_hangs_for_longer_than_a_lease_fails_nobody(
    runtime: BreakableRuntime, tmp_path: Path, part: str, seconds: float
) -> None:
    async with at_work(runtime, tmp_path) as workload:
        with stalled(runtime.pid(part)):
            await asyncio.sleep(seconds)
        await workload.works_on()
        assert not await workload.scenario.events("PARTICIPANT_FAILED")
        assert not await workload.scenario.events("TASK_MIGRATING")


@pytest.mark.long
async def test_behind_a_gateway_that_does_not_hang_the_silent_are_found(
    runtime: BreakableRuntime,
) -> None:
    async with Scenario(runtime, new_id("tenant")) as scenario:
        silent = await scenario.agent(STEWARD)
        await silent.says("registered")
        await scenario.standing(STEWARD, "active")
        silent.stop()
        await scenario.standing(STEWARD, "failed")
        await assert_invariants(scenario)


@pytest.mark.long
async def test_an_agent_that_hangs_past_its_lease_learns_it_and_its_writes_are_refused(
    runtime: BreakableRuntime,
) -> None:
    async with Scenario(runtime, new_id("tenant")) as scenario:
        steward = await scenario.agent(STEWARD, hold_at=3)
        await steward.says("registered")
        await scenario.submit(input={"batches": [1, 2, 3, 4]})
        began = await steward.says("began")
        await steward.says("working", batch=3)
        backup = await scenario.agent(BACKUP)
        await backup.says("registered")

        steward.stop()
        await scenario.task_in(TASK, "succeeded")
        steward.go_on()

        await steward.says("cancelled")
        assert (await backup.says("began"))["done"] == [1, 2]
        late = {"task": TASK, "epoch": began["epoch"], "version": 2}
        zombie = await scenario.agent(STEWARD, zombie=late)
        for what in ("checkpoint", "complete", "authorize"):
            tried = await zombie.says("tried", to=what)
            assert tried["answer"] in {"STALE_ASSIGNMENT", "ILLEGAL_TRANSITION"}, tried
        assert (await scenario.task_in(TASK, "succeeded")).result == {"done": [1, 2, 3, 4]}
        await assert_invariants(scenario)
