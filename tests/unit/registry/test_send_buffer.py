"""What goes down a stream: one message at a time, acknowledgements merged, nothing lost."""

import asyncio

import pytest

from phoenix_dma.v1 import session_pb2
from phoenix_runtime.core.clock import ManualClock
from registry_svc.api.convert_session import lease_lost_message
from registry_svc.api.send_buffer import SendBuffer
from registry_svc.domain.session import LeaseLostReason

LOST = lease_lost_message(0, LeaseLostReason.EXPIRED, "agent.a", "late")


class Wire:
    """Takes messages once it is let; notes what it has taken."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.let = asyncio.Event()
        self.let.set()
        self.gone = False

    async def write(self, message: bytes) -> None:
        await self.let.wait()
        if self.gone:
            raise RuntimeError("the stream is gone")
        self.taken.append(session_pb2.KeepAliveResponse.FromString(message).beat_ack.seq)


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_an_acknowledgement_is_written_at_once_where_nothing_else_is_on_its_way() -> None:
    wire = Wire()
    buffer = SendBuffer(ManualClock(), write=wire.write)
    reader = asyncio.create_task(buffer.next())
    await turns()
    await buffer.acknowledge_beats(1)
    await buffer.acknowledge_beats(2)
    assert wire.taken == [1, 2]
    await turns()
    assert not reader.done()
    reader.cancel()


async def test_what_is_queued_while_an_acknowledgement_is_written_follows_it() -> None:
    wire, clock = Wire(), ManualClock()
    buffer = SendBuffer(clock, write=wire.write)
    reader = asyncio.create_task(buffer.next())
    wire.let.clear()
    acknowledging = asyncio.create_task(buffer.acknowledge_beats(1))
    await turns()
    buffer.send(LOST)
    clock.advance(3)
    await turns()
    assert not reader.done(), "gRPC takes one message at a time"
    assert buffer.blocked_for() == 3
    wire.let.set()
    await acknowledging
    assert await reader == LOST
    assert wire.taken == [1]


async def test_while_a_message_is_on_its_way_the_newest_acknowledgement_waits_for_it() -> None:
    wire = Wire()
    buffer = SendBuffer(ManualClock(), write=wire.write)
    buffer.send(LOST)
    assert await buffer.next() == LOST
    await buffer.acknowledge_beats(1)
    await buffer.acknowledge_beats(2)
    assert wire.taken == []
    message = await buffer.next()
    assert message is not None
    assert message.beat_ack.seq == 2


async def test_a_refusal_during_an_acknowledgement_is_raised_after_it() -> None:
    wire = Wire()
    buffer = SendBuffer(ManualClock(), write=wire.write)
    reader = asyncio.create_task(buffer.next())
    wire.let.clear()
    acknowledging = asyncio.create_task(buffer.acknowledge_beats(1))
    await turns()
    buffer.end(ValueError("refused"))
    await turns()
    assert not reader.done()
    wire.let.set()
    await acknowledging
    with pytest.raises(ValueError, match="refused"):
        await reader


async def test_a_stream_that_is_gone_ends_without_an_error_of_ours() -> None:
    wire = Wire()
    wire.gone = True
    buffer = SendBuffer(ManualClock(), write=wire.write)
    reader = asyncio.create_task(buffer.next())
    await turns()
    await buffer.acknowledge_beats(1)
    assert await reader is None
