"""A stream that the runtime refuses while the SDK still writes ends as the runtime ended it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest

from phoenix_dma.aio.keepalive.lease import LeaseWatch
from phoenix_dma.aio.keepalive.stream import Heartbeat, KeepAliveStream
from phoenix_dma.aio.rpc.transport import Transport
from phoenix_dma.errors import CredentialInvalid
from phoenix_dma.profile import Endpoint
from phoenix_dma.v1 import session_pb2, session_pb2_grpc

TRIES = 50
WAITING = 20
"""Messages that lie ready when the stream opens, so that some are written when it has ended."""


class Refusing(session_pb2_grpc.SessionServiceServicer):
    async def KeepAlive(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, "no")
        yield


class SilentListener:
    def heartbeat(self) -> Heartbeat:
        return Heartbeat(0.0, session_pb2.HEALTH_STATE_SERVING)

    async def attached(self) -> None:
        raise AssertionError

    def directed(self, directive: session_pb2.Directive) -> None:
        raise AssertionError


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    server = grpc.aio.server()
    session_pb2_grpc.add_SessionServiceServicer_to_server(Refusing(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    transport = Transport(Endpoint(target=f"127.0.0.1:{port}", tls=False))
    yield transport
    await transport.close()
    await server.stop(None)


async def test_an_immediate_refusal_keeps_its_status_every_time(
    transport: Transport,
) -> None:
    async def refused() -> type[object]:
        stream = KeepAliveStream(transport, LeaseWatch(), SilentListener())
        for number in range(WAITING):
            stream.acknowledge(f"directive.{number}", "")
        ended = await stream.run(session_pb2.Attach(participant_id="agent.one"), "a-token")
        return type(ended.error)

    assert Counter([await refused() for _ in range(TRIES)]) == {CredentialInvalid: TRIES}
    together = await asyncio.gather(*(refused() for _ in range(TRIES)))
    assert Counter(together) == {CredentialInvalid: TRIES}
