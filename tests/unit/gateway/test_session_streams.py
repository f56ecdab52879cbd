"""The gateway knows whether it carries a stream of heartbeats."""

import asyncio

from gateway.proxy.liveness import SessionStreams


async def carried(streams: SessionStreams) -> bool:
    """Whether whoever waits for a stream goes on at once."""
    waiting = asyncio.create_task(streams.some())
    await asyncio.sleep(0)
    done = waiting.done()
    waiting.cancel()
    return done


async def test_a_gateway_carries_heartbeats_until_the_last_stream_has_ended() -> None:
    streams = SessionStreams()
    assert not await carried(streams)
    with streams:
        with streams:
            assert await carried(streams)
        assert await carried(streams)
    assert not await carried(streams)


async def test_who_waits_goes_on_with_the_first_stream() -> None:
    streams = SessionStreams()
    waiting = asyncio.create_task(streams.some())
    await asyncio.sleep(0)
    with streams:
        await waiting
