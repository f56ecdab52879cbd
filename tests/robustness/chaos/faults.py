"""The faults by name; each function injects its fault and takes it back."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

import redis.asyncio as redis

from phoenix_runtime.local.services import MODULES
from tests.e2e.scenarios.intervals import PAST_A_LEASE
from tests.robustness.chaos.traffic import Traffic
from tests.support.processes.breakable_runtime import (
    SERVERS,
    BreakableRuntime,
    stalled,
)
from tests.support.processes.process_tree import children_of

AWAY_SECONDS: Final = 1.0

Fault = Callable[[BreakableRuntime, Sequence[Traffic]], Awaitable[None]]


async def _killed(part: str, runtime: BreakableRuntime, _: Sequence[Traffic]) -> None:
    for replica in runtime.replicas(part):
        await runtime.kill(replica)
        await asyncio.sleep(AWAY_SECONDS)
        await runtime.revive(replica)


async def _hangs(part: str, runtime: BreakableRuntime, _: Sequence[Traffic]) -> None:
    for pid in runtime.pids(part):
        with stalled(pid):
            await asyncio.sleep(PAST_A_LEASE)


async def _everything_is_killed(runtime: BreakableRuntime, _: Sequence[Traffic]) -> None:
    for part in (*MODULES, *SERVERS):
        await runtime.kill(part)
    await asyncio.gather(*(runtime.revive(part) for part in SERVERS))
    await asyncio.gather(*(runtime.revive(part) for part in MODULES))


async def _flushed(runtime: BreakableRuntime, _: Sequence[Traffic]) -> None:
    client = redis.Redis.from_url(runtime.redis_url)
    await client.flushall()
    await client.aclose()


async def _engine_is_killed(runtime: BreakableRuntime, _: Sequence[Traffic]) -> None:
    """The policy engine is a child of governance."""
    engines = [pid for part in runtime.pids("governance") for pid in children_of(part)]
    assert engines, "governance has no engine to kill"
    for pid in engines:
        os.kill(pid, signal.SIGKILL)


async def _agents_are_killed(_: BreakableRuntime, traffics: Sequence[Traffic]) -> None:
    await asyncio.gather(*(traffic.new_victim() for traffic in traffics))


async def _agents_hang(_: BreakableRuntime, traffics: Sequence[Traffic]) -> None:
    """Stop one agent of each tenant past its lease, so that it goes on as a zombie."""
    async with AsyncExitStack() as stack:
        for traffic in traffics:
            assert traffic.victim is not None
            traffic.victim.stop()
            stack.callback(traffic.victim.go_on)
        await asyncio.sleep(PAST_A_LEASE)


FAULTS: Final[Mapping[str, Fault]] = {
    **{f"{part} is killed": partial(_killed, part) for part in (*MODULES, *SERVERS)},
    **{f"{part} hangs": partial(_hangs, part) for part in MODULES},
    "valkey is flushed": _flushed,
    "the policy engine is killed": _engine_is_killed,
    "agents are killed": _agents_are_killed,
    "agents hang past their lease": _agents_hang,
    "everything is killed": _everything_is_killed,
}
"""What is done, by the name under which it is reported."""
