"""RegistryService on the wire."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, TypeAlias

from grpc.aio import ServicerContext

from phoenix_dma.v1 import registry_pb2, registry_pb2_grpc
from phoenix_runtime.chassis.rpc.conversions import page_from_pb
from phoenix_runtime.chassis.rpc.handler import RpcHandler
from phoenix_runtime.chassis.rpc.structs import struct_to_json
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.pages import Page
from phoenix_runtime.core.principal import Call
from registry_svc.api import convert
from registry_svc.api.convert_discovery import found_to_pb, search_from_pb
from registry_svc.api.convert_session import directive_from_pb
from registry_svc.api.metrics import DISCOVERY, REGISTRATION
from registry_svc.domain.discovery import DiscoveryResult
from registry_svc.domain.lease import LeaseTerms
from registry_svc.domain.participant_view import ParticipantChange, ParticipantView
from registry_svc.usecases.discovery.discover import DiscoverParticipants
from registry_svc.usecases.discovery.query_capability_graph import QueryCapabilityGraph
from registry_svc.usecases.participants.batch_get_standings import BatchGetStandings
from registry_svc.usecases.participants.begin_retirement import BeginRetirement
from registry_svc.usecases.participants.finish_retirement import FinishRetirement
from registry_svc.usecases.participants.get_participant import GetParticipant
from registry_svc.usecases.participants.list_participants import ListParticipants
from registry_svc.usecases.participants.register import RegisterParticipant
from registry_svc.usecases.participants.reinstate import ReinstateParticipant
from registry_svc.usecases.participants.suspend import SuspendParticipant
from registry_svc.usecases.participants.update_capabilities import UpdateCapabilities
from registry_svc.usecases.sessions.send_directives import SendDirectives

Context: TypeAlias = ServicerContext[Any, Any]
GATEWAY = "gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryUseCases:
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
    """Participants, their standing, discovery, and directives to them."""

    def __init__(self, handler: RpcHandler, use_cases: RegistryUseCases) -> None:
        self._handler = handler
        self._use_cases = use_cases

    async def RegisterParticipant(  # noqa: N802  # the schema's name
        self, request: registry_pb2.RegisterParticipantRequest, context: Context
    ) -> registry_pb2.RegisterParticipantResponse:
        """Register a participant (Algorithm 1)."""

        def run(call: Call) -> Awaitable[ParticipantChange]:
            return self._use_cases.register(call, convert.declaration_from_pb(request.participant))

        with REGISTRATION.time():
            return await self._handler.mutate(
                request,
                run=run,
                answer=lambda changed: convert.registered_to_pb(changed, self._use_cases.terms),
            )

    async def UpdateCapabilities(  # noqa: N802  # the schema's name
        self, request: registry_pb2.UpdateCapabilitiesRequest, context: Context
    ) -> registry_pb2.UpdateCapabilitiesResponse:
        """Replace the claims of a participant."""

        def run(call: Call) -> Awaitable[ParticipantChange]:
            claims = convert.claims_from_pb(request)
            return self._use_cases.update(call, request.participant_id, claims, request.etag)

        return await self._handler.mutate(request, run=run, answer=convert.updated_to_pb)

    async def GetParticipant(  # noqa: N802  # the schema's name
        self, request: registry_pb2.GetParticipantRequest, context: Context
    ) -> registry_pb2.GetParticipantResponse:
        """Read one participant."""
        return await self._handler.read(
            run=lambda call: self._use_cases.get(call, request.participant_id),
            answer=lambda view: registry_pb2.GetParticipantResponse(
                participant=convert.participant_to_pb(view)
            ),
        )

    async def ListParticipants(  # noqa: N802  # the schema's name
        self, request: registry_pb2.ListParticipantsRequest, context: Context
    ) -> registry_pb2.ListParticipantsResponse:
        """Read a page of participants."""

        async def run(call: Call) -> Page[ParticipantView]:
            wanted = convert.filter_from_pb(request)
            order = ["newest first"] if wanted.newest_first else []
            filters: Json = [sorted(wanted.statuses), sorted(wanted.types), wanted.owner, *order]
            return await self._use_cases.list(call, wanted, page_from_pb(request, filters))

        return await self._handler.read(run=run, answer=convert.participants_to_pb)

    async def DiscoverParticipants(  # noqa: N802  # the schema's name
        self, request: registry_pb2.DiscoverParticipantsRequest, context: Context
    ) -> registry_pb2.DiscoverParticipantsResponse:
        """Find candidates for a requirement (Algorithm 2)."""

        def run(call: Call) -> Awaitable[DiscoveryResult]:
            # The gateway only passes on what its own caller sent.
            from_service = call.service not in {"", GATEWAY}
            return self._use_cases.discover(
                call, search_from_pb(request, from_service=from_service)
            )

        with DISCOVERY.time():
            return await self._handler.read(run=run, answer=found_to_pb)

    async def SuspendParticipant(  # noqa: N802  # the schema's name
        self, request: registry_pb2.SuspendParticipantRequest, context: Context
    ) -> registry_pb2.SuspendParticipantResponse:
        """Suspend a participant."""
        return await self._handler.mutate(
            request,
            run=lambda call: self._use_cases.suspend(call, request.participant_id, request.reason),
            answer=convert.suspended_to_pb,
        )

    async def ReinstateParticipant(  # noqa: N802  # the schema's name
        self, request: registry_pb2.ReinstateParticipantRequest, context: Context
    ) -> registry_pb2.ReinstateParticipantResponse:
        """Lift a suspension."""
        return await self._handler.mutate(
            request,
            run=lambda call: self._use_cases.reinstate(
                call, request.participant_id, request.reason
            ),
            answer=convert.reinstated_to_pb,
        )

    async def QueryCapabilityGraph(  # noqa: N802  # the schema's name
        self, request: registry_pb2.QueryCapabilityGraphRequest, context: Context
    ) -> registry_pb2.QueryCapabilityGraphResponse:
        """Read a page of the capability graph."""
        return await self._handler.read(
            run=lambda call: self._use_cases.graph(
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
        """Read the standings that assignment's gates reflect."""
        return await self._handler.read(
            run=lambda call: self._use_cases.standings(call, request.participant_ids),
            answer=convert.standings_to_pb,
        )

    async def BeginRetirement(  # noqa: N802  # the schema's name
        self, request: registry_pb2.BeginRetirementRequest, context: Context
    ) -> registry_pb2.BeginRetirementResponse:
        """Mark a participant as RETIRING."""
        return await self._handler.mutate(
            request,
            run=lambda call: self._use_cases.begin_retirement(
                call, request.participant_id, request.retirement_id, request.mode
            ),
            answer=convert.retiring_to_pb,
        )

    async def FinishRetirement(  # noqa: N802  # the schema's name
        self, request: registry_pb2.FinishRetirementRequest, context: Context
    ) -> registry_pb2.FinishRetirementResponse:
        """Mark a participant as RETIRED, for ever."""

        def run(call: Call) -> Awaitable[ParticipantChange]:
            record = struct_to_json(request.record, "record")
            return self._use_cases.finish_retirement(
                call, request.participant_id, request.retirement_id, record
            )

        return await self._handler.mutate(request, run=run, answer=convert.retired_to_pb)

    async def SendDirectives(  # noqa: N802  # the schema's name
        self, request: registry_pb2.SendDirectivesRequest, context: Context
    ) -> registry_pb2.SendDirectivesResponse:
        """Store directives, which are delivered until acknowledged."""

        def run(call: Call) -> Awaitable[int]:
            directives = [directive_from_pb(one) for one in request.directives]
            return self._use_cases.send_directives(call, directives)

        return await self._handler.mutate(
            request,
            run=run,
            answer=lambda accepted: registry_pb2.SendDirectivesResponse(accepted=accepted),
        )
