"""The two kinds of call that the contract has no RPC for yet, through the same handler."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
import pytest
import pytest_asyncio

from gateway.proxy.forwarding import ForwardingHandler
from gateway.proxy.liveness import SessionStreams
from phoenix_dma.wire.stream_termination import keep_final_status
from phoenix_runtime.chassis.rpc.channels import Channels
from phoenix_runtime.chassis.rpc.credentials import ServiceSigner
from phoenix_runtime.chassis.schema import rpcs
from phoenix_runtime.chassis.server import Listening, Service
from phoenix_runtime.chassis.settings import ServerSettings
from phoenix_runtime.core import errors
from tests.support.builders.keys import Keys, bearer

SESSIONS = "/phoenix_dma.v1.SessionService"
WORDS = [b"one", b"two", b"three"]


async def down(request: bytes, _: Any) -> AsyncIterator[bytes]:
    if request == b"refuse":
        raise errors.OfferLapsed("offer.1")
    for word in WORDS:
        yield request + word


async def up(requests: AsyncIterator[bytes], _: Any) -> bytes:
    return b" ".join([request async for request in requests])


async def closed(_: AsyncIterator[bytes], __: Any) -> bytes:
    raise errors.OfferLapsed("offer.1")


@pytest_asyncio.fixture
async def channel(keys: Keys) -> AsyncIterator[grpc.aio.Channel]:
    handlers = {
        "Down": grpc.unary_stream_rpc_method_handler(down),
        "Up": grpc.stream_unary_rpc_method_handler(up),
        "Closed": grpc.stream_unary_rpc_method_handler(closed),
    }
    generic = grpc.method_handlers_generic_handler(SESSIONS[1:], handlers)
    like = rpcs()[f"{SESSIONS}/Heartbeat"]
    passed = {
        f"{SESSIONS}/Down": replace(like, path=f"{SESSIONS}/Down", server_streaming=True),
        **{
            f"{SESSIONS}/{name}": replace(like, path=f"{SESSIONS}/{name}", client_streaming=True)
            for name in ("Up", "Closed")
        },
    }
    async with serving(keys, "registry", generic) as behind:
        address = f"127.0.0.1:{behind.port}"
        settings = ServerSettings(**keys.settings("gateway"), registry_address=address)
        key = keys.service_key("gateway")
        channels = Channels(
            settings, ServiceSigner("gateway", key, keys.clock, audience="phoenix-dma")
        )
        async with serving(
            keys, "gateway", ForwardingHandler(passed, channels, SessionStreams(), read_timeout=30)
        ) as gateway:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{gateway.port}") as opened:
                yield opened
            await channels.close()


def serving(keys: Keys, name: str, handler: Any) -> Listening:
    settings = ServerSettings(**keys.settings(name), grace=timedelta(seconds=0.1))
    register = lambda server: server.add_generic_rpc_handlers((handler,))  # noqa: E731
    return Listening(Service(name, settings, [], register))


async def test_a_stream_of_answers_comes_back_in_order(
    channel: grpc.aio.Channel, keys: Keys
) -> None:
    call = channel.unary_stream(f"{SESSIONS}/Down")(b">", metadata=bearer(keys.token("operator")))
    assert [answer async for answer in call] == [b">" + word for word in WORDS]


async def test_a_refused_stream_ends_with_its_refusal(
    channel: grpc.aio.Channel, keys: Keys
) -> None:
    metadata = bearer(keys.token("operator"))
    call = channel.unary_stream(f"{SESSIONS}/Down")(b"refuse", metadata=metadata)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call.read()
    assert refused.value.code() is grpc.StatusCode.ABORTED


async def test_a_stream_of_requests_arrives_whole(channel: grpc.aio.Channel, keys: Keys) -> None:
    metadata = bearer(keys.token("operator"))
    call = channel.stream_unary(f"{SESSIONS}/Up")(iter(WORDS), metadata=metadata)
    assert await call == b"one two three"


async def test_a_stream_that_is_refused_while_it_is_still_written_says_why_every_time(
    channel: grpc.aio.Channel, keys: Keys
) -> None:
    metadata = bearer(keys.token("operator"))
    method = channel.stream_unary(f"{SESSIONS}/Closed")
    for _ in range(50):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await keep_final_status(method(iter(WORDS * 20), metadata=metadata))
        assert refused.value.code() is grpc.StatusCode.ABORTED, refused.value.details()
