"""Two replicas of each service and of the gateway, behind one address each: any of them may go.

What a crowd does to two replicas is in `test_crowds`; what each learns of the other's doings is in
tests/integration/registry/test_replicas.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from phoenix_dma.v1 import registry_pb2
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.local.services import MODULES
from tests.e2e.conftest import logged_errors
from tests.e2e.scenarios.assertions import assert_invariants
from tests.e2e.scenarios.intervals import INTERVALS, PATIENCE
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import Scenario
from tests.robustness.forms import long_form, short_and_long
from tests.robustness.workload import at_work
from tests.support.processes.breakable_runtime import stalled
from tests.support.processes.replicated_runtime import ReplicatedRuntime, replicated_runtime
from tests.support.waiting.until import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

STALL: Final = 20.0
"""Seconds; longer than a lease, and than a connection that hangs is waited for."""
SEVERAL: Final = 6


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runtime() -> AsyncIterator[ReplicatedRuntime]:
    """One for all of them."""
    async with replicated_runtime(INTERVALS) as runtime:
        yield runtime
        assert not list(logged_errors(runtime))


@pytest.mark.parametrize("part", short_and_long(["registry"], MODULES))
async def test_each_replica_is_killed_in_its_turn_and_nobody_fails(
    runtime: ReplicatedRuntime, tmp_path: Path, part: str
) -> None:
    async with at_work(runtime, tmp_path) as workload:
        for replica in runtime.replicas(part):
            await runtime.kill(replica)
            await workload.works_on()
            await runtime.revive(replica)
        await workload.works_on()
        assert not await workload.scenario.events("PARTICIPANT_FAILED")
        assert not await workload.scenario.events("TASK_MIGRATING")


@pytest.mark.parametrize("part", long_form(*MODULES))
async def test_while_one_replica_hangs_the_other_works_and_nobody_fails(
    runtime: ReplicatedRuntime, tmp_path: Path, part: str
) -> None:
    async with at_work(runtime, tmp_path) as workload:
        for pid in runtime.pids(part):
            with stalled(pid):
                await asyncio.sleep(STALL)
                await workload.works_on()
        await workload.works_on()
        assert not await workload.scenario.events("PARTICIPANT_FAILED")
        assert not await workload.scenario.events("TASK_MIGRATING")


@pytest.mark.parametrize("store", long_form("valkey", "postgres"))
async def test_what_both_stand_on_is_killed_and_comes_back_and_nobody_fails(
    runtime: ReplicatedRuntime, tmp_path: Path, store: str
) -> None:
    async with at_work(runtime, tmp_path) as workload:
        await runtime.restart(store)
        await workload.works_on()
        assert not await workload.scenario.events("PARTICIPANT_FAILED")
        assert not await workload.scenario.events("TASK_MIGRATING")


@pytest.mark.long
async def test_whoever_has_the_stream_everybody_is_told_and_the_dead_are_found(
    runtime: ReplicatedRuntime,
) -> None:
    async with Scenario(runtime, new_id("tenant")) as scenario:
        # Each has connections of its own, so that the replicas share them out.
        agents = [await scenario.participant(f"agent.{n}", capacity=1) for n in range(SEVERAL)]
        operator = await scenario.operator()
        for number in range(SEVERAL):
            await scenario.submit(task_id=f"task.{number}")
        await asyncio.gather(*(one.directive("start_task") for one in agents))
        await agents[0].fall_silent()
        await scenario.standing(agents[0].id, "failed")
        for one in agents[1:]:
            await operator.ask(
                operator.stubs.registry.SuspendParticipant,
                registry_pb2.SuspendParticipantRequest(participant_id=one.id, reason="a check"),
            )
        await asyncio.gather(*(until(lambda one=one: lost(one), PATIENCE) for one in agents[1:]))
        await assert_invariants(scenario)


async def lost(one: Participant) -> bool:
    """Whether its session was ended."""
    return bool(one.losses)
