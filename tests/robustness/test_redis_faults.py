"""Redis is flushed, restarted empty, restored from an old copy, away: nobody is failed by it.

Redis is away, or hangs, for longer than a lease; in the long form also for a minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
import redis.asyncio as redis

from tests.e2e.scenarios.intervals import INTERVALS, LEASE, PAST_A_LEASE
from tests.robustness.forms import long_form
from tests.robustness.workload import Workload, at_work
from tests.support.processes.breakable_runtime import BreakableRuntime, breakable_runtime, stalled

pytestmark = pytest.mark.asyncio(loop_scope="module")

AWAY: Final = long_form(PAST_A_LEASE, 60.0)
"""Seconds."""
FLUSHES: Final = 8
DEADLINES: Final = "phoenix_dma:leases:{0}:deadlines"

Copy = Mapping[bytes, bytes]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runtime() -> AsyncIterator[BreakableRuntime]:
    async with breakable_runtime(INTERVALS) as runtime:
        yield runtime


async def nobody_is_failed_and_the_dead_are_found(workload: Workload) -> None:
    """No lease and no task was lost; and whoever falls silent now is failed."""
    await workload.works_on()
    assert not await workload.scenario.events("PARTICIPANT_FAILED")
    assert not await workload.scenario.events("TASK_MIGRATING")
    mortal = await workload.scenario.participant(
        "agent.mortal", capabilities=["product_validation"]
    )
    await mortal.fall_silent()
    await workload.scenario.standing("agent.mortal", "failed")
    (failed,) = await workload.scenario.events("PARTICIPANT_FAILED")
    assert failed.participant == "agent.mortal"


async def copy_of(runtime: BreakableRuntime) -> Copy:
    """A copy of every key."""
    client: Any = redis.Redis.from_url(runtime.redis_url)
    dumped = {key: await client.dump(key) async for key in client.scan_iter()}
    await client.aclose()
    # What went between its name and its content was not there then.
    copied = {key: content for key, content in dumped.items() if content is not None}
    assert DEADLINES.encode() in copied
    return copied


async def put_back(runtime: BreakableRuntime, copied: Copy) -> None:
    """Restore every key from the copy."""
    client: Any = redis.Redis.from_url(runtime.redis_url)
    pipeline = client.pipeline(transaction=True)
    pipeline.flushall()
    for key, value in copied.items():
        pipeline.restore(key, 0, value)
    await pipeline.execute()
    await client.aclose()


@pytest.mark.long
async def test_a_redis_that_is_flushed_again_and_again_fails_nobody(
    runtime: BreakableRuntime, tmp_path: Path
) -> None:
    async with at_work(runtime, tmp_path) as workload:
        client = redis.Redis.from_url(runtime.redis_url)
        for _ in range(FLUSHES):
            await client.flushall()
            await asyncio.sleep(2 * LEASE / FLUSHES)
        await client.aclose()
        await nobody_is_failed_and_the_dead_are_found(workload)


async def test_a_redis_that_is_restarted_empty_fails_nobody(
    runtime: BreakableRuntime, tmp_path: Path
) -> None:
    async with at_work(runtime, tmp_path) as workload:
        await runtime.kill("valkey")
        await runtime.revive("valkey")
        await nobody_is_failed_and_the_dead_are_found(workload)


@pytest.mark.long
async def test_deadlines_of_long_ago_that_are_put_back_fail_nobody(
    runtime: BreakableRuntime, tmp_path: Path
) -> None:
    async with at_work(runtime, tmp_path) as workload:
        old = await copy_of(runtime)
        await asyncio.sleep(2 * LEASE)
        # Under the server that they were copied from, and that says so: only memory knows better.
        await put_back(runtime, old)
        await workload.works_on()
        await runtime.kill("valkey")
        await runtime.revive("valkey")
        await put_back(runtime, old)
        await nobody_is_failed_and_the_dead_are_found(workload)


@pytest.mark.parametrize("seconds", AWAY)
async def test_a_redis_that_is_away_for_longer_than_a_lease_fails_nobody(
    runtime: BreakableRuntime, tmp_path: Path, seconds: float
) -> None:
    async with at_work(runtime, tmp_path) as workload:
        await runtime.kill("valkey")
        await asyncio.sleep(seconds)
        await workload.works_on()
        await runtime.revive("valkey")
        await nobody_is_failed_and_the_dead_are_found(workload)


@pytest.mark.parametrize("seconds", AWAY)
async def test_a_redis_that_hangs_for_longer_than_a_lease_fails_nobody(
    runtime: BreakableRuntime, tmp_path: Path, seconds: float
) -> None:
    async with at_work(runtime, tmp_path) as workload:
        with stalled(runtime.pid("valkey")):
            await asyncio.sleep(seconds)
            await workload.works_on()
        await nobody_is_failed_and_the_dead_are_found(workload)
