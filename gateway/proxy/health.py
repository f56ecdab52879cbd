"""Publishes the health of every backend under the gateway's address by watching each."""

import asyncio
import contextlib
from collections.abc import Mapping

from grpc.aio import AioRpcError
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer

from gateway.proxy.routing import SERVED_BY
from phoenix_runtime.chassis.rpc.channels import Channels

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
PAUSE = 0.5
"""Seconds between two attempts to reach a backend that does not answer."""


class BackendHealth:
    """Watches the health of the backends; implements `chassis.server.Running`."""

    def __init__(self, channels: Channels, health: HealthServicer) -> None:
        self._channels = channels
        self._health = health
        self._serving = dict.fromkeys(sorted(set(SERVED_BY.values())), False)
        self._watchers: list[asyncio.Task[None]] = []

    @property
    def serving(self) -> Mapping[str, bool]:
        """Whether each backend serves, by its name."""
        return self._serving

    async def start(self) -> None:
        """Start watching; a backend that has not answered yet counts as NOT_SERVING."""
        for backend in self._serving:
            await self._publish(backend, serving=False)
        self._watchers = [asyncio.create_task(self._watch(backend)) for backend in self._serving]

    async def stop(self) -> None:
        """Stop watching."""
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)

    async def _watch(self, backend: str) -> None:
        """Watch one backend for as long as the gateway runs."""
        stub = health_pb2_grpc.HealthStub(self._channels.channel(backend))
        while True:
            with contextlib.suppress(AioRpcError):  # published below, tried again
                async for answer in stub.Watch(health_pb2.HealthCheckRequest()):
                    await self._publish(backend, serving=answer.status == SERVING)
            await self._publish(backend, serving=False)
            await asyncio.sleep(PAUSE)

    async def _publish(self, backend: str, *, serving: bool) -> None:
        self._serving[backend] = serving
        for name, served_by in SERVED_BY.items():
            if served_by == backend:
                await self._health.set(name, SERVING if serving else NOT_SERVING)
