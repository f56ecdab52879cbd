"""Health as everywhere, and a sign of life: gateways ask for it many times a second."""

from typing import Any

from grpc.aio import ServicerContext
from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer

from phoenix_runtime.core.clock import Clock
from registry_svc.domain.hops import Hops


class HopHealth(HealthServicer):  # type: ignore[misc]  # the library has no types
    """Tells `Hops` from which connection a check came."""

    def __init__(self, hops: Hops, clock: Clock) -> None:
        super().__init__()
        self._hops = hops
        self._clock = clock

    async def Check(  # noqa: N802  # the protocol's name
        self, request: health_pb2.HealthCheckRequest, context: ServicerContext[Any, Any]
    ) -> health_pb2.HealthCheckResponse:
        """One check."""
        self._hops.heard(context.peer(), self._clock.monotonic())
        answer: health_pb2.HealthCheckResponse = await super().Check(request, context)
        return answer
