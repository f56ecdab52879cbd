"""Tells the registry that this gateway is alive, while it carries streams of heartbeats.

The registry has to tell a gateway that hangs from participants that are silent
(`registry_svc.domain.gateway_links`). It keeps no connection that carries no stream, so a gateway
without one has nothing to tell.
"""

import asyncio
import contextlib
from types import TracebackType
from typing import Any, Final

from grpc.aio import AioRpcError
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.proxy.routing import PACKAGE, SERVED_BY
from phoenix_runtime.chassis.rpc.channels import Channels

SESSION_SERVICE: Final = f"{PACKAGE}.SessionService"
TIMEOUT: Final = 2.0
"""Seconds that one liveness call to the registry may take."""
INTERVAL: Final = 0.25
"""Seconds between two liveness calls."""


class SessionStreams:
    """Counts the streams of heartbeats under way; a stream is a ``with`` block.

    One object for all streams: an idle stream keeps whatever is made for it.
    """

    def __init__(self) -> None:
        self._count = 0
        self._some = asyncio.Event()

    def __enter__(self) -> None:
        self._count += 1
        self._some.set()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._count -= 1
        if not self._count:
            self._some.clear()

    async def some(self) -> None:
        """Return while at least one stream is under way."""
        await self._some.wait()


class GatewayLiveness:
    """Calls the registry while there are ``streams``; implements `chassis.server.Running`."""

    def __init__(self, channels: Channels, streams: SessionStreams) -> None:
        self._channels = channels
        self._streams = streams
        self._telling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start to tell."""
        self._telling = asyncio.create_task(self._tell(), name="gateway_liveness")

    async def stop(self) -> None:
        """Stop."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)

    async def _tell(self) -> None:
        """Call the registry over the connection that carries the streams of participants."""
        channel = self._channels.channel(SERVED_BY[SESSION_SERVICE])
        stub: Any = health_pb2_grpc.HealthStub(channel)
        while True:
            await self._streams.some()
            with contextlib.suppress(AioRpcError):  # the health of the backend is watched elsewhere
                await stub.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT)
            await asyncio.sleep(INTERVAL)
