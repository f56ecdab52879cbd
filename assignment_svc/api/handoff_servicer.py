"""HandoffService on the wire: translates, decides nothing."""

from dataclasses import asdict, dataclass
from typing import Any

from assignment_svc.api.convert_handoff import (
    aborted_to_pb,
    completion_from_pb,
    declined_to_pb,
    handoff_filter_from_pb,
    handoffs_to_pb,
    initiated_to_pb,
    leaving_from_pb,
    retired_to_pb,
    retirement_filter_from_pb,
    retirement_to_pb,
    retirements_to_pb,
    taken_to_pb,
    view_to_pb,
)
from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.retirement import Retirement
from assignment_svc.usecases.handoff.abort_handoff import AbortHandoff
from assignment_svc.usecases.handoff.complete_handoff import CompleteHandoff
from assignment_svc.usecases.handoff.decline_handoff import DeclineHandoff
from assignment_svc.usecases.handoff.initiate_handoff import HandoffRequest, InitiateHandoff
from assignment_svc.usecases.handoff.read_handoffs import GetHandoff, ListHandoffs
from assignment_svc.usecases.membership.read_retirements import GetRetirement, ListRetirements
from assignment_svc.usecases.membership.retire_participant import RetireParticipant
from phoenix_dma.v1 import handoff_pb2, handoff_pb2_grpc
from phoenix_runtime.chassis.rpc.conversions import page_from_pb
from phoenix_runtime.chassis.rpc.handler import RpcHandler
from phoenix_runtime.core.pages import Page
from phoenix_runtime.core.principal import Call


@dataclass(frozen=True, slots=True)
class HandoffVerbs:
    """The use cases behind the servicer."""

    initiate: InitiateHandoff
    complete: CompleteHandoff
    decline: DeclineHandoff
    abort: AbortHandoff
    get: GetHandoff
    list: ListHandoffs
    retire: RetireParticipant
    get_retirement: GetRetirement
    list_retirements: ListRetirements


class HandoffServicer(handoff_pb2_grpc.HandoffServiceServicer):
    """The nine RPCs of migration and retirement."""

    def __init__(self, handler: RpcHandler, verbs: HandoffVerbs) -> None:
        self._handler = handler
        self._verbs = verbs

    async def InitiateHandoff(  # noqa: N802  # the schema's name
        self, request: handoff_pb2.InitiateHandoffRequest, context: Any
    ) -> handoff_pb2.InitiateHandoffResponse:
        """Starts a governed handoff."""
        asked = HandoffRequest(request.task_id, request.source, request.reason)
        return await self._handler.mutate(
            request, run=lambda call: self._verbs.initiate(call, asked), answer=initiated_to_pb
        )

    async def CompleteHandoff(  # noqa: N802  # the schema's name
        self, request: handoff_pb2.CompleteHandoffRequest, context: Any
    ) -> handoff_pb2.CompleteHandoffResponse:
        """Verifies the acceptance and rebinds."""
        completion = completion_from_pb(request)
        return await self._handler.mutate(
            request, run=lambda call: self._verbs.complete(call, completion), answer=taken_to_pb
        )

    async def DeclineHandoff(  # noqa: N802  # the schema's name
        self, request: handoff_pb2.DeclineHandoffRequest, context: Any
    ) -> handoff_pb2.DeclineHandoffResponse:
        """Refuses an offer."""
        return await self._handler.mutate(
            request,
            run=lambda call: self._verbs.decline(
                call,
                handoff_id=request.handoff_id,
                offer_id=request.offer_id,
                why=request.reason,
            ),
            answer=declined_to_pb,
        )

    async def AbortHandoff(  # noqa: N802  # the schema's name
        self, request: handoff_pb2.AbortHandoffRequest, context: Any
    ) -> handoff_pb2.AbortHandoffResponse:
        """Gives a handoff up."""
        return await self._handler.mutate(
            request,
            run=lambda call: self._verbs.abort(
                call, handoff_id=request.handoff_id, why=request.reason
            ),
            answer=aborted_to_pb,
        )

    async def GetHandoff(  # noqa: N802  # the schema's name
        self, request: handoff_pb2.GetHandoffRequest, context: Any
    ) -> handoff_pb2.GetHandoffResponse:
        """Reads one handoff."""
        return await self._handler.read(
            run=lambda call: self._verbs.get(call, request.handoff_id), answer=view_to_pb
        )

    async def ListHandoffs(  # noqa: N802  # the schema's name
        self, request: handoff_pb2.ListHandoffsRequest, context: Any
    ) -> handoff_pb2.ListHandoffsResponse:
        """Lists handoffs."""
        wanted = handoff_filter_from_pb(request)

        async def run(call: Call) -> Page[Handoff]:
            page = page_from_pb(request, asdict(wanted))
            return await self._verbs.list(call, wanted, page)

        return await self._handler.read(run=run, answer=handoffs_to_pb)

    async def RetireParticipant(  # noqa: N802  # the schema's name
        self, request: handoff_pb2.RetireParticipantRequest, context: Any
    ) -> handoff_pb2.RetireParticipantResponse:
        """Retires a participant for ever."""
        return await self._handler.mutate(
            request,
            run=lambda call: self._verbs.retire(call, leaving_from_pb(request)),
            answer=retired_to_pb,
        )

    async def GetRetirement(  # noqa: N802  # the schema's name
        self, request: handoff_pb2.GetRetirementRequest, context: Any
    ) -> handoff_pb2.GetRetirementResponse:
        """Reads one retirement."""
        return await self._handler.read(
            run=lambda call: self._verbs.get_retirement(call, request.retirement_id),
            answer=lambda found: handoff_pb2.GetRetirementResponse(
                retirement=retirement_to_pb(found)
            ),
        )

    async def ListRetirements(  # noqa: N802  # the schema's name
        self, request: handoff_pb2.ListRetirementsRequest, context: Any
    ) -> handoff_pb2.ListRetirementsResponse:
        """Lists retirements."""
        wanted = retirement_filter_from_pb(request)

        async def run(call: Call) -> Page[Retirement]:
            page = page_from_pb(request, asdict(wanted))
            return await self._verbs.list_retirements(call, wanted, page)

        return await self._handler.read(run=run, answer=retirements_to_pb)
