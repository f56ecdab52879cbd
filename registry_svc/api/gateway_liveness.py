"""The health service of the registry, which also notes that a gateway is alive."""

from typing import Any

from grpc.aio import ServicerContext
from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer

from phoenix_runtime.core.clock import Clock
from registry_svc.domain.gateway_links import GatewayLinks


class GatewayLivenessServicer(HealthServicer):  # type: ignore[misc]  # the library has no types
    """Answers health checks, and records each as activity of the connection it came over.

    Gateways send one several times a second, so that their silence is noticed.
    """

    def __init__(self, gateway_links: GatewayLinks, clock: Clock) -> None:
        super().__init__()
        self._gateway_links = gateway_links
        self._clock = clock

    async def Check(  # noqa: N802  # the protocol's name
        self, request: health_pb2.HealthCheckRequest, context: ServicerContext[Any, Any]
    ) -> health_pb2.HealthCheckResponse:
        """Answer one check."""
        self._gateway_links.record_activity(context.peer(), self._clock.monotonic())
        answer: health_pb2.HealthCheckResponse = await super().Check(request, context)
        return answer
