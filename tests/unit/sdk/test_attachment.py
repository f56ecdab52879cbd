"""A participant reconnects several times a lease while the runtime cannot be reached."""

import asyncio
import math
import time

from phoenix_dma.aio.keepalive.attachment import Attachment, Loss
from phoenix_dma.aio.keepalive.stream import Heartbeat
from phoenix_dma.aio.rpc.backoff import Backoff
from phoenix_dma.aio.rpc.transport import Transport
from phoenix_dma.errors import Unavailable
from phoenix_dma.profile import Endpoint
from phoenix_dma.v1 import session_pb2
from tests.support.waiting.until import PATIENCE

TTL = 0.3
TIMES = 12


class UnreachableCredential:
    """The credential of a participant whose runtime cannot be reached."""

    def __init__(self) -> None:
        self.asked = 0
        self.often = asyncio.Event()

    async def token(self) -> str:
        self.asked += 1
        if self.asked == TIMES:
            self.often.set()
        raise Unavailable("The runtime cannot be reached")

    async def renewed(self, refused: str) -> str:
        raise NotImplementedError(refused)


class RecordedBackoff(Backoff):
    """A back-off whose pauses can be read."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    def next(self, *, at_most: float = math.inf) -> float:
        self.pauses.append(super().next(at_most=at_most))
        return self.pauses[-1]


class IdleParticipant:
    """A participant that is never attached."""

    participant_id = "agent.customer-steward.001"
    generation = 1

    async def register(self) -> None:
        raise NotImplementedError

    def attached(self) -> None:
        raise NotImplementedError

    def lost(self, loss: Loss, text: str) -> None:
        raise NotImplementedError(loss, text)

    def directed(self, directive: session_pb2.Directive) -> None:
        raise NotImplementedError(directive)

    def heartbeat(self) -> Heartbeat:
        raise NotImplementedError


async def test_an_unreachable_runtime_is_tried_several_times_a_lease() -> None:
    credential = UnreachableCredential()
    transport = Transport(Endpoint(target="127.0.0.1:1", tls=False))
    attachment = Attachment(transport, credential, IdleParticipant())
    attachment.lease.granted(TTL, asked_at=time.monotonic())
    backoff = attachment._backoff = RecordedBackoff()
    running = asyncio.create_task(attachment.run())
    try:
        async with asyncio.timeout(PATIENCE):
            await credential.often.wait()
    finally:
        attachment.stop()
        assert await running is Loss.LEFT
        await transport.close()
    assert max(backoff.pauses[: TIMES - 1]) <= TTL / 3
