"""Bus events on a real Valkey."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from phoenix_runtime.chassis.delivery.bus import Bus, BusReader
from phoenix_runtime.chassis.delivery.bus_events import BusEvent
from phoenix_runtime.chassis.redis import create_redis
from phoenix_runtime.core.clock import ManualClock
from phoenix_runtime.core.errors import Unavailable
from tests.support.servers.restartable import own_servers
from tests.support.waiting.until import PATIENCE


def bus_event(number: int) -> BusEvent:
    return BusEvent(
        tenant="t1",
        type="FAILED",
        event_id=f"event.{number}",
        time=ManualClock().now(),
        service="registry",
        participant="p1",
        aggregate="participant/p1",
        aggregate_version=number,
        facts={"load": 0.5},
    )


async def upcoming(bus_events: AsyncIterator[BusEvent]) -> BusEvent:
    async with asyncio.timeout(PATIENCE):
        return await anext(bus_events)


async def listening(reader: BusReader) -> tuple[AsyncIterator[BusEvent], "asyncio.Task[BusEvent]"]:
    """The reader's bus events, with the first one already asked for."""
    bus_events = reader.bus_events()
    first = asyncio.create_task(upcoming(bus_events))
    await reader.ready.wait()
    return bus_events, first


async def test_a_reader_sees_what_is_published_from_then_on(
    redis_client: Redis, stream: str
) -> None:
    bus = Bus(redis_client, stream=stream)
    await bus.publish([bus_event(1)])
    bus_events, first = await listening(BusReader(redis_client, stream=stream))
    await bus.publish([bus_event(2), bus_event(3)])
    assert [await first, await upcoming(bus_events)] == [bus_event(2), bus_event(3)]


async def test_a_foreign_entry_is_passed_over(redis_client: Redis, stream: str) -> None:
    _, first = await listening(BusReader(redis_client, stream=stream))
    await redis_client.xadd(stream, {"event": b"{}"})
    await redis_client.xadd(stream, {"note": b"?"})
    await Bus(redis_client, stream=stream).publish([bus_event(1)])
    assert await first == bus_event(1)


async def test_the_stream_is_bounded(redis_client: Redis, stream: str) -> None:
    bus = Bus(redis_client, stream=stream, length=100)
    for _ in range(10):
        await bus.publish([bus_event(number) for number in range(100)])
    assert await redis_client.xlen(stream) < 300


async def test_a_reader_goes_on_after_the_server_was_killed_and_started_again() -> None:
    async with own_servers() as servers:
        await servers.start("valkey")
        client = create_redis(servers.redis_url, name="test")
        bus = Bus(client)
        bus_events, first = await listening(BusReader(client))
        await bus.publish([bus_event(1)])
        assert await first == bus_event(1)
        second = asyncio.create_task(upcoming(bus_events))
        await servers.kill("valkey")
        with pytest.raises(Unavailable):
            await bus.publish([bus_event(2)])
        await servers.start("valkey")
        # The reader may come back a moment later than we do, and takes what it finds then.
        await bus.publish([bus_event(3)])
        assert await second == bus_event(3)
        await client.aclose()
