"""Calls the registry over gRPC."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from assignment_svc.domain.discovery import Alternative, Candidate, Discovery, Requirement
from assignment_svc.domain.retirement import Retirement
from phoenix_dma.v1 import common_pb2, registry_pb2, registry_pb2_grpc
from phoenix_runtime.chassis.failpoints import GATE_AND_REGISTRY, passing
from phoenix_runtime.chassis.rpc.channels import Channels
from phoenix_runtime.chassis.rpc.conversions import number, verdict_from_pb
from phoenix_runtime.chassis.rpc.parts import in_parts
from phoenix_runtime.chassis.rpc.standing_conversions import standing_from_pb
from phoenix_runtime.chassis.rpc.structs import json_to_struct
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.standing import Standing

SERVICE = "registry"
CANDIDATES = 200
"""Candidates that are asked for, in the registry's rank order; the rest would hardly win."""
STANDINGS = 500
"""Participants that one request names at most."""
EXCLUSIONS = 256
"""Participants that one search leaves out at most; the others are left out here."""


class GrpcRegistry:
    """Implements `domain.ports.Registry`; raises the registry's refusals and `Unavailable`."""

    def __init__(self, channels: Channels, clock: Clock) -> None:
        self._channels = channels
        self._clock = clock
        self._stub: Any = registry_pb2_grpc.RegistryServiceStub(channels.channel(SERVICE))

    async def discover(self, call: Call, requirement: Requirement) -> Discovery:
        """Discover the eligible participants, by the registry's rank, and the near misses."""
        asked_at = self._clock.monotonic()
        request = _discovery_request(requirement)
        unwanted = frozenset(requirement.exclude[EXCLUSIONS:])
        while True:
            answer = await self._channels.ask(call, self._stub.DiscoverParticipants, request)
            found = [one for one in answer.candidates if one.participant_id not in unwanted]
            if found or not answer.next_page_token:
                break
            request.page_token = answer.next_page_token
        return Discovery(
            candidates=tuple(map(_candidate, found)),
            excluded=tuple(
                Alternative(
                    one.participant_id,
                    one.failed,
                    one.because,
                    decision_id=one.policy_decision_id,
                )
                for one in answer.excluded
            ),
            asked_at=asked_at,
            audit_event_id=answer.receipt.audit_event_id,
        )

    async def standings(
        self, call: Call, participant_ids: Collection[str]
    ) -> Mapping[str, Standing]:
        """Read current standings; unknown ids are omitted."""

        async def ask(some: Sequence[str]) -> Sequence[registry_pb2.Standing]:
            request = registry_pb2.BatchGetStandingsRequest(participant_ids=some)
            answer: registry_pb2.BatchGetStandingsResponse = await self._channels.ask(
                call, self._stub.BatchGetStandings, request
            )
            return answer.standings

        wanted = sorted(set(participant_ids))
        found = await in_parts(wanted, ask, largest=STANDINGS)
        return {one.participant_id: standing_from_pb(one) for one in found}

    async def begin_retirement(self, call: Call, retirement: Retirement) -> Standing:
        """Have the registry show RETIRING; a repeated call changes nothing."""
        request = registry_pb2.BeginRetirementRequest(
            participant_id=retirement.participant_id,
            retirement_id=retirement.retirement_id,
            mode=retirement.mode.value,
        )
        passing(GATE_AND_REGISTRY, call.tenant)
        answer = await self._channels.ask(call, self._stub.BeginRetirement, request)
        return standing_from_pb(answer.standing)

    async def finish_retirement(self, call: Call, retirement: Retirement) -> None:
        """Have the registry show RETIRED with the record; a repeated call changes nothing."""
        request = registry_pb2.FinishRetirementRequest(
            participant_id=retirement.participant_id,
            retirement_id=retirement.retirement_id,
            record=json_to_struct(retirement.record),
        )
        await self._channels.ask(call, self._stub.FinishRetirement, request)


def _candidate(one: registry_pb2.Candidate) -> Candidate:
    return Candidate(
        standing=standing_from_pb(one.standing),
        verdict=verdict_from_pb(one.verdict),
        certified=frozenset(one.certified),
    )


def _discovery_request(wanted: Requirement) -> registry_pb2.DiscoverParticipantsRequest:
    return registry_pb2.DiscoverParticipantsRequest(
        required_capabilities=wanted.required_capabilities,
        data_domains=wanted.data_domains,
        risk_level=number(common_pb2.RiskLevel, wanted.risk_level),
        policy_constraints=wanted.policy_constraints,
        page_size=CANDIDATES,
        task_id=wanted.task_id,
        degraded_allowed=wanted.degraded_allowed,
        exclude=wanted.exclude[:EXCLUSIONS],
        task_type=wanted.task_type,
        engine_try=True,
        correlation_id=wanted.correlation_id,
    )
