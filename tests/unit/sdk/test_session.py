"""A participant comes back while the lease stands that a returning runtime gives everybody."""

import asyncio
import time

from phoenix_dma.aio.session import Loss, Session
from phoenix_dma.aio.stream import Pulse
from phoenix_dma.aio.transport import Transport
from phoenix_dma.errors import Unavailable
from phoenix_dma.profile import Endpoint
from phoenix_dma.v1 import session_pb2

TTL = 0.3
TIMES = 12


class Away:
    """The credential of a participant whose runtime is away: it cannot be had."""

    def __init__(self) -> None:
        self.asked = 0
        self.often = asyncio.Event()

    async def token(self) -> str:
        self.asked += 1
        if self.asked == TIMES:
            self.often.set()
        raise Unavailable("The runtime is away")

    async def renewed(self, refused: str) -> str:
        raise NotImplementedError(refused)


class Nobody:
    """A member that holds nothing."""

    participant_id = "agent.customer-steward.001"
    generation = 1

    async def register(self) -> None:
        raise NotImplementedError

    async def attached(self) -> None:
        raise NotImplementedError

    def lost(self, loss: Loss, text: str) -> None:
        raise NotImplementedError(loss, text)

    def directed(self, directive: session_pb2.Directive) -> None:
        raise NotImplementedError(directive)

    def pulse(self) -> Pulse:
        raise NotImplementedError


async def test_however_long_the_house_is_away_it_is_tried_several_times_a_lease() -> None:
    away = Away()
    transport = Transport(Endpoint(target="127.0.0.1:1", tls=False))
    session = Session(transport, away, Nobody())
    session.lease.granted(TTL, asked_at=time.monotonic())
    running = asyncio.create_task(session.run())
    try:
        async with asyncio.timeout(5):  # pauses that only grow would last for twice as long
            await away.often.wait()
    finally:
        session.stop()
        assert await running is Loss.LEFT
        await transport.close()
