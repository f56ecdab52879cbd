"""Conversions between messages and values: participants, claims, standings, credentials."""

from collections.abc import Sequence

from phoenix_dma.v1 import registry_pb2
from phoenix_runtime.chassis.rpc.conversions import (
    number,
    receipt_to_pb,
    refusal_to_pb,
    seconds_from_pb,
    seconds_to_pb,
    short,
    time_to_pb,
)
from phoenix_runtime.chassis.rpc.pages import page_to_pb
from phoenix_runtime.chassis.rpc.standing_conversions import standing_to_pb
from phoenix_runtime.chassis.rpc.structs import json_to_struct, struct_to_json
from phoenix_runtime.core.pages import Page
from phoenix_runtime.core.standing import Liveness, ParticipantStatus, Standing
from registry_svc.domain.declaration import Claims, Declaration, ModelEndpoint
from registry_svc.domain.graph import Edge, EdgeFilter, EdgeKind
from registry_svc.domain.health import UNKNOWN_HEALTH
from registry_svc.domain.lease import LeaseTerms
from registry_svc.domain.participant_view import ParticipantChange, ParticipantView
from registry_svc.domain.ports import ParticipantFilter


def declaration_from_pb(given: registry_pb2.ParticipantDeclaration) -> Declaration:
    """The declaration of a participant, unchecked."""
    liveness = short(registry_pb2.Liveness, given.liveness)
    return Declaration(
        id=given.id,
        type=given.type,
        owner=given.owner,
        status=given.status,
        trust_score=given.trust_score if given.HasField("trust_score") else None,
        capabilities=tuple(given.capabilities),
        permissions=tuple(given.permissions),
        data_domains=tuple(given.data_domains),
        state_location=given.state_location,
        endpoint=given.endpoint,
        metadata=struct_to_json(given.metadata, "participant.metadata"),
        capacity=given.capacity if given.HasField("capacity") else 1,
        cost=given.cost if given.HasField("cost") else None,
        task_types=tuple(given.task_types),
        model_endpoints=tuple(_model_from_pb(model) for model in given.model_endpoints),
        liveness=Liveness(liveness) if liveness else None,
        trust_policy=given.trust_policy,
    )


def claims_from_pb(request: registry_pb2.UpdateCapabilitiesRequest) -> Claims:
    """The claims that replace the old ones."""
    return Claims(
        capabilities=tuple(request.capabilities),
        data_domains=tuple(request.data_domains),
        permissions=tuple(request.permissions),
        capacity=request.capacity if request.HasField("capacity") else None,
    )


def filter_from_pb(request: registry_pb2.ListParticipantsRequest) -> ParticipantFilter:
    """Which participants are listed."""
    names = [short(registry_pb2.ParticipantStatus, status) for status in request.statuses]
    return ParticipantFilter(
        statuses=frozenset(ParticipantStatus(name) for name in names if name),
        types=frozenset(request.types),
        owner=request.owner,
        newest_first=request.newest_first,
    )


def edge_filter_from_pb(request: registry_pb2.QueryCapabilityGraphRequest) -> EdgeFilter:
    """Which edges are asked for."""
    kind = short(registry_pb2.CapabilityEdgeKind, request.kind)
    return EdgeFilter(
        participant_id=request.participant_id,
        kind=EdgeKind(kind) if kind else None,
        name=request.name,
        include_refused=request.include_refused,
    )


def participant_to_pb(view: ParticipantView) -> registry_pb2.Participant:
    """A participant as the runtime knows it."""
    participant, declared, health = view.participant, view.participant.declaration, view.health
    return registry_pb2.Participant(
        id=participant.id,
        type=declared.type,
        status=number(registry_pb2.ParticipantStatus, participant.status),
        capabilities=sorted(participant.grants.capabilities),
        trust_score=health.trust,
        owner=declared.owner,
        permissions=sorted(participant.grants.permissions),
        state_location=declared.state_location,
        endpoint=declared.endpoint,
        metadata=json_to_struct(declared.metadata),
        data_domains=sorted(participant.grants.data_domains),
        capacity=declared.capacity,
        cost=declared.cost,
        task_types=declared.task_types,
        model_endpoints=[_model_to_pb(model) for model in declared.model_endpoints],
        liveness=number(registry_pb2.Liveness, participant.liveness),
        trust_policy=declared.effective_trust_policy,
        declared=declaration_to_pb(declared),
        refused=[refusal_to_pb(refusal) for refusal in participant.grants.refused],
        generation=participant.generation,
        standing_revision=participant.standing_revision,
        last_heartbeat=time_to_pb(view.last_beat_at),
        load=health.load,
        suspect=health.suspect,
        etag=participant.etag,
        create_time=time_to_pb(participant.created_at),
        update_time=time_to_pb(participant.updated_at),
        status_reason=participant.status_reason,
    )


def declaration_to_pb(declared: Declaration) -> registry_pb2.ParticipantDeclaration:
    """The claims as they were made."""
    return registry_pb2.ParticipantDeclaration(
        id=declared.id,
        type=declared.type,
        status=declared.status,
        capabilities=declared.capabilities,
        trust_score=declared.trust_score,
        owner=declared.owner,
        permissions=declared.permissions,
        state_location=declared.state_location,
        endpoint=declared.endpoint,
        metadata=json_to_struct(declared.metadata),
        data_domains=declared.data_domains,
        capacity=declared.capacity,
        cost=declared.cost,
        task_types=declared.task_types,
        model_endpoints=[_model_to_pb(model) for model in declared.model_endpoints],
        liveness=number(registry_pb2.Liveness, declared.liveness or ""),
        trust_policy=declared.trust_policy,
    )


def registered_to_pb(
    changed: ParticipantChange, terms: LeaseTerms
) -> registry_pb2.RegisterParticipantResponse:
    """The registered participant, the receipt, and the terms of its lease."""
    return registry_pb2.RegisterParticipantResponse(
        participant=participant_to_pb(changed.view),
        receipt=receipt_to_pb(changed.receipt),
        decision="approved",
        lease_ttl=seconds_to_pb(terms.granted),
        heartbeat_interval=seconds_to_pb(terms.interval),
        warnings=changed.warnings,
    )


def updated_to_pb(changed: ParticipantChange) -> registry_pb2.UpdateCapabilitiesResponse:
    """The participant with its new grants."""
    return registry_pb2.UpdateCapabilitiesResponse(
        participant=participant_to_pb(changed.view), receipt=receipt_to_pb(changed.receipt)
    )


def suspended_to_pb(changed: ParticipantChange) -> registry_pb2.SuspendParticipantResponse:
    """The suspended participant."""
    return registry_pb2.SuspendParticipantResponse(
        participant=participant_to_pb(changed.view), receipt=receipt_to_pb(changed.receipt)
    )


def reinstated_to_pb(changed: ParticipantChange) -> registry_pb2.ReinstateParticipantResponse:
    """The reinstated participant."""
    return registry_pb2.ReinstateParticipantResponse(
        participant=participant_to_pb(changed.view), receipt=receipt_to_pb(changed.receipt)
    )


def retiring_to_pb(changed: ParticipantChange) -> registry_pb2.BeginRetirementResponse:
    """The standing of the retiring participant."""
    return registry_pb2.BeginRetirementResponse(
        standing=standing_to_pb(changed.view.participant.standing(changed.view.health)),
        receipt=receipt_to_pb(changed.receipt),
    )


def retired_to_pb(changed: ParticipantChange) -> registry_pb2.FinishRetirementResponse:
    """The standing of the retired participant, without health: its session has ended."""
    return registry_pb2.FinishRetirementResponse(
        standing=standing_to_pb(changed.view.participant.standing(UNKNOWN_HEALTH)),
        receipt=receipt_to_pb(changed.receipt),
    )


def participants_to_pb(page: Page[ParticipantView]) -> registry_pb2.ListParticipantsResponse:
    """A page of participants."""
    made, token = page_to_pb(page, participant_to_pb)
    return registry_pb2.ListParticipantsResponse(
        participants=made, next_page_token=token, total_size=page.total
    )


def standings_to_pb(standings: Sequence[Standing]) -> registry_pb2.BatchGetStandingsResponse:
    """Standings."""
    return registry_pb2.BatchGetStandingsResponse(
        standings=[standing_to_pb(standing) for standing in standings]
    )


def edges_to_pb(page: Page[Edge]) -> registry_pb2.QueryCapabilityGraphResponse:
    """A page of edges."""
    made, token = page_to_pb(page, _edge_to_pb)
    return registry_pb2.QueryCapabilityGraphResponse(edges=made, next_page_token=token)


def _edge_to_pb(edge: Edge) -> registry_pb2.CapabilityEdge:
    return registry_pb2.CapabilityEdge(
        participant_id=edge.participant_id,
        kind=number(registry_pb2.CapabilityEdgeKind, edge.kind),
        name=edge.name,
        granted=edge.granted,
        refused_because=edge.refused_because,
    )


def _model_from_pb(model: registry_pb2.ModelEndpoint) -> ModelEndpoint:
    return ModelEndpoint(
        name=model.name,
        cost=model.cost,
        latency=seconds_from_pb(model, "latency"),
        data_sensitivity=model.data_sensitivity,
    )


def _model_to_pb(model: ModelEndpoint) -> registry_pb2.ModelEndpoint:
    return registry_pb2.ModelEndpoint(
        name=model.name,
        cost=model.cost,
        latency=seconds_to_pb(model.latency),
        data_sensitivity=model.data_sensitivity,
    )
