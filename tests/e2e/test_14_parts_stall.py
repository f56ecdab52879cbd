"""A part of the runtime stalls, or forgets: nobody is failed for what was not heard."""

from __future__ import annotations

import pytest
import redis.asyncio as redis

from tests.e2e.scenarios.intervals import a_lease_passes
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario
from tests.support.processes.breakable_runtime import stalled


@pytest.mark.parametrize("part", ["registry", "valkey"])
async def test_a_part_that_stalls_for_longer_than_a_lease_fails_nobody(
    scenario: Scenario, part: str
) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    epoch = (await steward.take(TASK)).task.epoch

    with stalled(scenario.runtime.pid(part)):
        await a_lease_passes()

    await scenario.standing(STEWARD, "active")
    assert not await scenario.events("PARTICIPANT_FAILED")
    assert not await scenario.events("TASK_MIGRATING")
    await steward.complete(TASK, epoch, {"merged": 0})


async def test_losing_every_lease_deadline_fails_nobody_and_the_dead_are_still_found(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    epoch = (await steward.take(TASK)).task.epoch
    dead = await scenario.participant(BACKUP)

    client = redis.Redis.from_url(scenario.runtime.redis_url)
    await client.flushall()
    await client.aclose()
    await dead.fall_silent()

    await scenario.standing(BACKUP, "failed")
    assert await scenario.standing(STEWARD, "active")
    (failed,) = await scenario.events("PARTICIPANT_FAILED")
    assert failed.participant == BACKUP
    await steward.complete(TASK, epoch, {"merged": 0})
