"""The health of every service under the gateway's address, kept up to date by watching each."""

import asyncio
import contextlib
from collections.abc import Mapping

from grpc.aio import AioRpcError
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer

from gateway.proxy.homes import HOMES
from phoenix_runtime.chassis.channels import Channels

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
PAUSE = 0.5
"""Seconds between two tries to reach a service that is away."""


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

    async def _say(self, home: str, *, serving: bool) -> None:
        self._serving[home] = serving
        for name, where in HOMES.items():
            if where == home:
                await self._health.set(name, SERVING if serving else NOT_SERVING)
