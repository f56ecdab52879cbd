"""RegistryService on the wire: translates, decides nothing."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, TypeAlias

from grpc.aio import ServicerContext

from phoenix_dma.v1 import registry_pb2, registry_pb2_grpc
from phoenix_runtime.chassis.rpc.conversions import struct_to_json
from phoenix_runtime.chassis.rpc.handler import RpcHandler
from phoenix_runtime.core.principal import Call
from registry_svc.api import convert
from registry_svc.api.convert_discovery import found_to_pb, search_from_pb
from registry_svc.api.convert_session import directive_from_pb
from registry_svc.api.meters import DISCOVERY, REGISTRATION
from registry_svc.domain.discovery import Found
from registry_svc.domain.lease import LeaseTerms
from registry_svc.domain.view import Changed
from registry_svc.usecases.change_standing import ReinstateParticipant, SuspendParticipant
from registry_svc.usecases.directives import SendDirectives
from registry_svc.usecases.discover import DiscoverParticipants
from registry_svc.usecases.look_up import (
    BatchGetStandings,
    GetParticipant,
    ListParticipants,
    QueryCapabilityGraph,
)
from registry_svc.usecases.register import RegisterParticipant
from registry_svc.usecases.retire import BeginRetirement, FinishRetirement
from registry_svc.usecases.update_capabilities import UpdateCapabilities

Context: TypeAlias = ServicerContext[Any, Any]
GATEWAY = "gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryVerbs:
    """The use cases behind the servicer."""

    register: RegisterParticipant
    update: UpdateCapabilities
    get: GetParticipant
    list: ListParticipants
    discover: DiscoverParticipants
    suspend: SuspendParticipant
    reinstate: ReinstateParticipant
    graph: QueryCapabilityGraph
    standings: BatchGetStandings
    begin_retirement: BeginRetirement
    finish_retirement: FinishRetirement
    send_directives: SendDirectives
    terms: LeaseTerms


class RegistryServicer(registry_pb2_grpc.RegistryServiceServicer):
    """Who is here and who can do what."""

    def __init__(self, handler: RpcHandler, verbs: RegistryVerbs) -> None:
        self._front = handler
        self._verbs = verbs

    async def RegisterParticipant(  # noqa: N802  # the schema's name
        self, request: registry_pb2.RegisterParticipantRequest, context: Context
    ) -> registry_pb2.RegisterParticipantResponse:
        """Algorithm 1."""

        def run(call: Call) -> Awaitable[Changed]:
            return self._verbs.register(call, convert.declaration_from_pb(request.participant))

        with REGISTRATION.time():
            return await self._front.mutate(
                request,
                run=run,
                answer=lambda changed: convert.registered_to_pb(changed, self._verbs.terms),
            )

    async def UpdateCapabilities(  # noqa: N802  # the schema's name
        self, request: registry_pb2.UpdateCapabilitiesRequest, context: Context
    ) -> registry_pb2.UpdateCapabilitiesResponse:
        """Other claims, other grants."""

        def run(call: Call) -> Awaitable[Changed]:
            claims = convert.claims_from_pb(request)
            return self._verbs.update(call, request.participant_id, claims, request.etag)

        return await self._front.mutate(request, run=run, answer=convert.updated_to_pb)

    async def GetParticipant(  # noqa: N802  # the schema's name
        self, request: registry_pb2.GetParticipantRequest, context: Context
    ) -> registry_pb2.GetParticipantResponse:
        """One participant."""
        return await self._front.read(
            run=lambda call: self._verbs.get(call, request.participant_id),
            answer=lambda view: registry_pb2.GetParticipantResponse(
                participant=convert.participant_to_pb(view)
            ),
        )

    async def ListParticipants(  # noqa: N802  # the schema's name
        self, request: registry_pb2.ListParticipantsRequest, context: Context
    ) -> registry_pb2.ListParticipantsResponse:
        """A page of participants."""
        return await self._front.read(
            run=lambda call: self._verbs.list(
                call,
                convert.filter_from_pb(request),
                page_size=request.page_size,
                page_token=request.page_token,
            ),
            answer=convert.page_to_pb,
        )

    async def DiscoverParticipants(  # noqa: N802  # the schema's name
        self, request: registry_pb2.DiscoverParticipantsRequest, context: Context
    ) -> registry_pb2.DiscoverParticipantsResponse:
        """Algorithm 2."""

        def run(call: Call) -> Awaitable[Found]:
            # The gateway only passes on what its caller said.
            from_service = call.service not in {"", GATEWAY}
            return self._verbs.discover(call, search_from_pb(request, from_service=from_service))

        with DISCOVERY.time():
            return await self._front.read(run=run, answer=found_to_pb)

    async def SuspendParticipant(  # noqa: N802  # the schema's name
        self, request: registry_pb2.SuspendParticipantRequest, context: Context
    ) -> registry_pb2.SuspendParticipantResponse:
        """Close the door."""
        return await self._front.mutate(
            request,
            run=lambda call: self._verbs.suspend(call, request.participant_id, request.reason),
            answer=convert.suspended_to_pb,
        )

    async def ReinstateParticipant(  # noqa: N802  # the schema's name
        self, request: registry_pb2.ReinstateParticipantRequest, context: Context
    ) -> registry_pb2.ReinstateParticipantResponse:
        """Open it again."""
        return await self._front.mutate(
            request,
            run=lambda call: self._verbs.reinstate(call, request.participant_id, request.reason),
            answer=convert.reinstated_to_pb,
        )

    async def QueryCapabilityGraph(  # noqa: N802  # the schema's name
        self, request: registry_pb2.QueryCapabilityGraphRequest, context: Context
    ) -> registry_pb2.QueryCapabilityGraphResponse:
        """A page of edges."""
        return await self._front.read(
            run=lambda call: self._verbs.graph(
                call,
                convert.edge_filter_from_pb(request),
                page_size=request.page_size,
                page_token=request.page_token,
            ),
            answer=convert.edges_to_pb,
        )

    async def BatchGetStandings(  # noqa: N802  # the schema's name
        self, request: registry_pb2.BatchGetStandingsRequest, context: Context
    ) -> registry_pb2.BatchGetStandingsResponse:
        """Standings for assignment's gates."""
        return await self._front.read(
            run=lambda call: self._verbs.standings(call, request.participant_ids),
            answer=convert.standings_to_pb,
        )

    async def BeginRetirement(  # noqa: N802  # the schema's name
        self, request: registry_pb2.BeginRetirementRequest, context: Context
    ) -> registry_pb2.BeginRetirementResponse:
        """RETIRING."""
        return await self._front.mutate(
            request,
            run=lambda call: self._verbs.begin_retirement(
                call, request.participant_id, request.retirement_id, request.mode
            ),
            answer=convert.retiring_to_pb,
        )

    async def FinishRetirement(  # noqa: N802  # the schema's name
        self, request: registry_pb2.FinishRetirementRequest, context: Context
    ) -> registry_pb2.FinishRetirementResponse:
        """RETIRED, for ever."""

        def run(call: Call) -> Awaitable[Changed]:
            record = struct_to_json(request.record, "record")
            return self._verbs.finish_retirement(
                call, request.participant_id, request.retirement_id, record
            )

        return await self._front.mutate(request, run=run, answer=convert.retired_to_pb)

    async def SendDirectives(  # noqa: N802  # the schema's name
        self, request: registry_pb2.SendDirectivesRequest, context: Context
    ) -> registry_pb2.SendDirectivesResponse:
        """Directives to keep until acknowledged."""

        def run(call: Call) -> Awaitable[int]:
            directives = [directive_from_pb(one) for one in request.directives]
            return self._verbs.send_directives(call, directives)

        return await self._front.mutate(
            request,
            run=run,
            answer=lambda accepted: registry_pb2.SendDirectivesResponse(accepted=accepted),
        )
