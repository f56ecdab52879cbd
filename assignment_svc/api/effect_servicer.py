"""EffectService on the wire: translates, decides nothing."""

from dataclasses import asdict, dataclass
from typing import Any

from assignment_svc.api.convert_effect import (
    action_from_pb,
    begun_to_pb,
    effect_filter_from_pb,
    effects_to_pb,
    observed_to_pb,
    recorded_to_pb,
    report_from_pb,
)
from assignment_svc.domain.actions.effect import Effect
from assignment_svc.usecases.actions.begin_effect import BeginEffect
from assignment_svc.usecases.actions.read_effects import GetEffect, ListEffects
from assignment_svc.usecases.actions.record_effect import RecordEffect
from phoenix_dma.v1 import effect_pb2, effect_pb2_grpc
from phoenix_runtime.chassis.rpc.conversions import page_from_pb
from phoenix_runtime.chassis.rpc.handler import RpcHandler
from phoenix_runtime.core.pages import Page
from phoenix_runtime.core.principal import Call


@dataclass(frozen=True, slots=True)
class EffectVerbs:
    """The use cases behind the servicer."""

    begin: BeginEffect
    record: RecordEffect
    get: GetEffect
    list: ListEffects


class EffectServicer(effect_pb2_grpc.EffectServiceServicer):
    """The four RPCs of effects outside the runtime."""

    def __init__(self, handler: RpcHandler, verbs: EffectVerbs) -> None:
        self._handler = handler
        self._verbs = verbs

    async def BeginEffect(  # noqa: N802  # the schema's name
        self, request: effect_pb2.BeginEffectRequest, context: Any
    ) -> effect_pb2.BeginEffectResponse:
        """Begins an effect, with leave."""
        action = action_from_pb(request)
        return await self._handler.mutate(
            request,
            run=lambda call: self._verbs.begin(
                call, action, idempotent=request.idempotent, can_look=request.can_look
            ),
            answer=begun_to_pb,
        )

    async def RecordEffect(  # noqa: N802  # the schema's name
        self, request: effect_pb2.RecordEffectRequest, context: Any
    ) -> effect_pb2.RecordEffectResponse:
        """Records what came of an effect."""
        report = report_from_pb(request)
        return await self._handler.mutate(
            request, run=lambda call: self._verbs.record(call, report), answer=recorded_to_pb
        )

    async def GetEffect(  # noqa: N802  # the schema's name
        self, request: effect_pb2.GetEffectRequest, context: Any
    ) -> effect_pb2.GetEffectResponse:
        """Reads one effect."""
        return await self._handler.read(
            run=lambda call: self._verbs.get(call, request.authorization_id), answer=observed_to_pb
        )

    async def ListEffects(  # noqa: N802  # the schema's name
        self, request: effect_pb2.ListEffectsRequest, context: Any
    ) -> effect_pb2.ListEffectsResponse:
        """Lists effects."""
        wanted = effect_filter_from_pb(request)

        async def run(call: Call) -> Page[Effect]:
            page = page_from_pb(request, asdict(wanted))
            return await self._verbs.list(call, wanted, page)

        return await self._handler.read(run=run, answer=effects_to_pb)
