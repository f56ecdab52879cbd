"""GatewayService on the wire."""

from typing import Any

from grpc.aio import ServicerContext

from gateway.gather.dossier import GatherTaskDossier
from phoenix_dma.v1 import gateway_pb2, gateway_pb2_grpc
from phoenix_runtime.chassis.rpc.handler import RpcHandler


class GatewayServicer(gateway_pb2_grpc.GatewayServiceServicer):
    """The calls that no single service can answer."""

    def __init__(self, handler: RpcHandler, task_dossier: GatherTaskDossier) -> None:
        self._front = handler
        self._task_dossier = task_dossier

    async def GetTaskDossier(  # noqa: N802  # the schema's name
        self, request: gateway_pb2.GetTaskDossierRequest, context: ServicerContext[Any, Any]
    ) -> gateway_pb2.GetTaskDossierResponse:
        """Everything about one task."""
        return await self._front.read(
            run=lambda call: self._task_dossier(call, request.task_id),
            answer=lambda dossier: dossier,
        )
