"""The health of every service under the gateway's address, kept up to date by watching each."""

import asyncio
import contextlib
from collections.abc import Mapping

from grpc.aio import AioRpcError
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer

from gateway.proxy.homes import HOMES, PACKAGE
from phoenix_runtime.chassis.rpc.channels import Channels

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
PAUSE = 0.5
"""Seconds between two tries to reach a service that is away."""
SESSIONS = HOMES[f"{PACKAGE}.SessionService"]
"""The service that hears participants through us, and has to know when it is we who are silent."""
PATIENCE = 2.0
"""Seconds that one sign of our life may be on its way."""
SIGN_OF_LIFE = 0.25
"""Seconds between two signs of our own life."""


class Behind:
    """Watches the services behind; implements `chassis.server.Running`."""

    def __init__(self, channels: Channels, health: HealthServicer) -> None:
        self._channels = channels
        self._health = health
        self._serving = dict.fromkeys(sorted(set(HOMES.values())), False)
        self._watchers: list[asyncio.Task[None]] = []

    @property
    def serving(self) -> Mapping[str, bool]:
        """Whether each process behind serves, by its name."""
        return self._serving

    async def start(self) -> None:
        """Begin to watch; until a service has answered it is said not to serve."""
        for home in self._serving:
            await self._say(home, serving=False)
        self._watchers = [asyncio.create_task(self._watch(home)) for home in self._serving]
        self._watchers.append(asyncio.create_task(self._live()))

    async def stop(self) -> None:
        """End watching."""
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)

    async def _watch(self, home: str) -> None:
        """Follow one service for as long as the gateway runs."""
        stub = health_pb2_grpc.HealthStub(self._channels.channel(home))
        while True:
            with contextlib.suppress(AioRpcError):  # away: said below, tried again
                async for answer in stub.Watch(health_pb2.HealthCheckRequest()):
                    await self._say(home, serving=answer.status == SERVING)
            await self._say(home, serving=False)
            await asyncio.sleep(PAUSE)

    async def _live(self) -> None:
        """Be heard over the connection that carries the streams of participants."""
        stub = health_pb2_grpc.HealthStub(self._channels.channel(SESSIONS))
        while True:
            with contextlib.suppress(AioRpcError):  # away: the watcher says so
                await stub.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE)
            await asyncio.sleep(SIGN_OF_LIFE)

    async def _say(self, home: str, *, serving: bool) -> None:
        self._serving[home] = serving
        for name, where in HOMES.items():
            if where == home:
                await self._health.set(name, SERVING if serving else NOT_SERVING)
