"""Serves GatewayService."""

from typing import Any

from grpc.aio import ServicerContext

from gateway.aggregate.task_dossier import AggregateTaskDossier
from phoenix_dma.v1 import gateway_pb2, gateway_pb2_grpc
from phoenix_runtime.chassis.rpc.handler import RpcHandler


class GatewayServicer(gateway_pb2_grpc.GatewayServiceServicer):
    """Serves the calls that no single service can answer."""

    def __init__(self, handler: RpcHandler, task_dossier: AggregateTaskDossier) -> None:
        self._handler = handler
        self._task_dossier = task_dossier

    async def GetTaskDossier(  # noqa: N802  # the schema's name
        self, request: gateway_pb2.GetTaskDossierRequest, context: ServicerContext[Any, Any]
    ) -> gateway_pb2.GetTaskDossierResponse:
        """Return everything about one task."""
        return await self._handler.read(
            run=lambda call: self._task_dossier(call, request.task_id),
            answer=lambda dossier: dossier,
        )
