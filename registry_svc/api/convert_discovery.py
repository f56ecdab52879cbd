"""Conversions between messages and values: discovery."""

from phoenix_dma.v1 import common_pb2, registry_pb2
from phoenix_runtime.chassis.rpc.conversions import (
    enum_from,
    receipt_to_pb,
    score_to_pb,
    verdict_to_pb,
)
from phoenix_runtime.chassis.rpc.standing_conversions import standing_to_pb
from phoenix_runtime.core.standing import RiskLevel
from registry_svc.domain.discovery import (
    Candidate,
    DiscoveryResult,
    Requirement,
    Search,
    SearchOptions,
    parse_search,
    permitting_degraded,
)


def search_from_pb(
    request: registry_pb2.DiscoverParticipantsRequest, *, from_service: bool
) -> Search:
    """The search; raises `FieldInvalid`. Fields for services count only where a service calls."""
    requirement = Requirement(
        required_capabilities=tuple(request.required_capabilities),
        data_domains=tuple(request.data_domains),
        risk_level=enum_from(RiskLevel, common_pb2.RiskLevel, request.risk_level, RiskLevel.LOW),
        policy_constraints=tuple(request.policy_constraints),
        task_id=request.task_id,
        task_type=request.task_type,
        exclude=tuple(request.exclude),
    )
    options = SearchOptions(
        page_size=request.page_size,
        page_token=request.page_token,
        engine_try=request.engine_try and from_service,
        correlation_id=request.correlation_id if from_service else "",
    )
    return parse_search(
        permitting_degraded(requirement) if request.degraded_allowed else requirement, options
    )


def found_to_pb(found: DiscoveryResult) -> registry_pb2.DiscoverParticipantsResponse:
    """Candidates best first, excluded participants, the receipt."""
    return registry_pb2.DiscoverParticipantsResponse(
        candidates=[_candidate_to_pb(candidate) for candidate in found.candidates],
        next_page_token=found.next_token,
        excluded=[
            registry_pb2.Excluded(
                participant_id=one.participant_id,
                failed=one.failed,
                because=one.because,
                policy_decision_id=one.policy_decision_id,
            )
            for one in found.excluded
        ],
        receipt=receipt_to_pb(found.receipt),
    )


def _candidate_to_pb(candidate: Candidate) -> registry_pb2.Candidate:
    return registry_pb2.Candidate(
        participant_id=candidate.standing.participant_id,
        rank=score_to_pb(candidate.rank),
        verdict=verdict_to_pb(candidate.verdict),
        standing=standing_to_pb(candidate.standing),
        certified=candidate.certified,
    )
