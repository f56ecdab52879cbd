"""The gateway on both ports, before services that write down how they were called."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
import httpx
import hypothesis  # noqa: F401  # see below
import pytest
import pytest_asyncio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.app import build
from gateway.rest.server import RestServer
from gateway.settings import GatewaySettings
from phoenix_runtime.chassis.server import Listening
from tests.support.builders.keys import Keys, bearer
from tests.support.fakes.gateway_backends import SERVED, Backends, Recorded
from tests.support.servers.http import http_client
from tests.support.waiting.until import PATIENCE

# The plugin of hypothesis imports it for its summary, at the very end of a run. While pytest
# rewrites it there, a collection of gRPC's objects in the middle of parsing trips Python 3.11
# (gh-106905, "AST constructor recursion depth mismatch"); imported here it is there already.


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """The running gateway as a client sees it."""

    address: str
    channel: grpc.aio.Channel
    rest: httpx.AsyncClient
    recorded: Recorded
    backends: Backends
    keys: Keys

    def token(self, *roles: str, **claims: Any) -> str:
        return self.keys.token(*(roles or ("operator",)), **claims)

    def call(self, *roles: str, **claims: Any) -> Any:
        """The metadata of a gRPC call."""
        return bearer(self.token(*roles, **claims))

    def headers(self, *roles: str, **claims: Any) -> dict[str, str]:
        """The headers of a REST request."""
        return {"authorization": f"Bearer {self.token(*roles, **claims)}"}


@pytest_asyncio.fixture
async def gateway(keys: Keys) -> AsyncIterator[RunningGateway]:
    recorded = Recorded()
    backends = Backends(keys, recorded)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(backends.close)
        for name in SERVED:
            await backends.start(name)
        settings = GatewaySettings(
            **keys.settings("gateway"),
            **{f"{name}_address": address for name, address in backends.addresses.items()},
            listen="127.0.0.1:0",
            rest_listen="127.0.0.1:0",
            grace=timedelta(seconds=0.1),
            call_timeout=timedelta(seconds=PATIENCE),
        )
        service = await build(settings)
        listening = await stack.enter_async_context(Listening(service))
        address = f"127.0.0.1:{listening.port}"
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(address))
        (port,) = (one.port for one in service.running if isinstance(one, RestServer))
        rest = await stack.enter_async_context(http_client(f"http://127.0.0.1:{port}"))
        yield RunningGateway(address, channel, rest, recorded, backends, keys)


async def refused(call: Any) -> grpc.aio.AioRpcError:
    """The error of a call that is expected to be refused."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return error.value


async def healthy(gateway: RunningGateway, name: str, status: int) -> None:
    """Follow the health of ``name`` until it is ``status``."""
    stub: Any = health_pb2_grpc.HealthStub(gateway.channel)
    async with asyncio.timeout(PATIENCE):
        watch = stub.Watch(health_pb2.HealthCheckRequest(service=name))
        async for answer in watch:
            if answer.status == status:
                watch.cancel()
                return
