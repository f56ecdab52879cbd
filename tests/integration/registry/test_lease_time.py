"""Leases of a few seconds in real time, through the real server.

Client and registry share one event loop: where it stalls, both stand still.
"""

import asyncio
import time
from datetime import timedelta
from typing import Any

from phoenix_dma.v1 import registry_pb2, session_pb2
from tests.integration.registry.conftest import STEWARD, OpenRegistry, Registry
from tests.support.servers.restartable import own_servers
from tests.support.waiting.until import until

LEASE = 3.0
BEAT = 0.2
LONGER_THAN_A_LEASE = int(1.5 * LEASE / BEAT)
SHORT: dict[str, Any] = {
    "lease_ttl": timedelta(seconds=LEASE),
    "heartbeat_interval": timedelta(seconds=0.6),
    "lease_margin": timedelta(seconds=1.2),
    "write_interval": timedelta(seconds=0.1),
}
FAILED = registry_pb2.PARTICIPANT_STATUS_FAILED


async def becomes(registry: Registry, participant_id: str, status: int) -> None:
    async def reached() -> bool:
        return bool((await registry.get(participant_id)).status == status)

    await until(reached)


async def failed(registry: Registry, participant_id: str) -> None:
    await becomes(registry, participant_id, FAILED)


class Beating:
    """Participants that send heartbeats on one stream each, until the end of the block."""

    def __init__(self, registry: Registry, *ids: str) -> None:
        self._registry = registry
        self._ids = ids
        self.answered = 0

    async def __aenter__(self) -> "Beating":
        self._tasks = []
        for one in self._ids:
            await self._registry.register(one)
            stream = self._registry.stream(self._registry.participant(one))
            assert (await stream.attach(one)).lease.slot == 0
            self._tasks.append(asyncio.create_task(self._beat(stream)))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _beat(self, stream: Any) -> None:
        while True:
            await stream.beat()
            self.answered += 1
            await asyncio.sleep(BEAT)

    async def go_on(self, beats: int = 5) -> None:
        """Until so many further beats were answered."""
        wanted = self.answered + beats * len(self._ids)

        async def reached() -> bool:
            return self.answered >= wanted

        await until(reached)


async def test_who_stops_beating_is_failed_and_told_and_the_others_live_on(
    open_registry: OpenRegistry,
) -> None:
    registry = await open_registry(**SHORT)
    await registry.register("agent.silent")
    stream = registry.stream(registry.participant("agent.silent"))
    await stream.attach("agent.silent")
    async with Beating(registry, "agent.1") as beating:
        await failed(registry, "agent.silent")
        lost = await stream.receive_a("lease_lost")
        assert lost.reason == session_pb2.LEASE_LOST_REASON_EXPIRED
        await beating.go_on()
        # A beat that is late by half an interval degrades for a moment.
        await becomes(registry, "agent.1", registry_pb2.PARTICIPANT_STATUS_ACTIVE)
    [event] = await registry.events("PARTICIPANT_FAILED")
    assert event["participant"] == "agent.silent"


async def test_a_redis_that_is_killed_and_comes_back_empty_fails_nobody(
    open_registry: OpenRegistry,
) -> None:
    async with own_servers() as servers:
        await servers.start("valkey")
        registry = await open_registry(redis_url=servers.redis_url, **SHORT)
        async with Beating(registry, "agent.1", "agent.2") as beating:
            await beating.go_on()
            await servers.kill("valkey")
            await beating.go_on(LONGER_THAN_A_LEASE)
            await servers.start("valkey")
            await beating.go_on(LONGER_THAN_A_LEASE)
            assert await registry.events("PARTICIPANT_FAILED") == []
            await registry.register("agent.silent")
            await failed(registry, "agent.silent")
            await beating.go_on()
        assert len(await registry.events("PARTICIPANT_FAILED")) == 1


async def test_a_registry_that_stood_still_for_longer_than_a_lease_fails_nobody(
    open_registry: OpenRegistry,
) -> None:
    registry = await open_registry(**SHORT)
    async with Beating(registry, STEWARD) as beating:
        await beating.go_on()
        time.sleep(1.5 * LEASE)  # noqa: ASYNC251  # the stall: registry, loops and client stand still
        await beating.go_on(LONGER_THAN_A_LEASE)
    assert await registry.events("PARTICIPANT_FAILED") == []
