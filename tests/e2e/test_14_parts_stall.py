"""A part of the runtime stalls, or forgets: nobody is blamed for what the runtime did not hear."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest
import redis.asyncio as redis

from tests.e2e.intervals import INTERVALS, PATIENCE
from tests.e2e.stage import BACKUP, STEWARD, TASK, Stage
from tests.support.processes.breakable_runtime import stalled
from tests.support.waiting.until import until

LEASE: Final = float(INTERVALS["PHOENIX_DMA_LEASE_TTL"])


async def pass_by(seconds: float) -> None:
    """Let time pass that nobody can hurry: longer than a lease."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds

    async def over() -> bool:
        return bool(loop.time() >= end)

    await until(over, seconds + PATIENCE)


@pytest.mark.parametrize("part", ["registry", "valkey"])
async def test_a_part_that_stalls_for_longer_than_a_lease_fails_nobody(
    stage: Stage, part: str
) -> None:
    steward = await stage.participant(STEWARD)
    await stage.submit()
    epoch = (await steward.take(TASK)).task.epoch

    with stalled(stage.runtime.pid(part)):
        await pass_by(LEASE + 2)

    await stage.standing(STEWARD, "active")
    assert not await stage.events("PARTICIPANT_FAILED")
    assert not await stage.events("TASK_MIGRATING")
    await steward.complete(TASK, epoch, {"merged": 0})


async def test_losing_every_lease_deadline_fails_nobody_and_the_dead_are_still_found(
    stage: Stage,
) -> None:
    steward = await stage.participant(STEWARD)
    await stage.submit()
    epoch = (await steward.take(TASK)).task.epoch
    dead = await stage.participant(BACKUP)

    client = redis.Redis.from_url(stage.runtime.redis_url)
    await client.flushall()
    await client.aclose()
    await dead.fall_silent()

    await stage.standing(BACKUP, "failed")
    assert await stage.standing(STEWARD, "active")
    (failed,) = await stage.events("PARTICIPANT_FAILED")
    assert failed.participant == BACKUP
    await steward.complete(TASK, epoch, {"merged": 0})
