"""Conversions between messages and values: heartbeats, leases, directives."""

from phoenix_dma.v1 import session_pb2
from phoenix_runtime.chassis.delivery.receivers import directive_to_pb
from phoenix_runtime.chassis.rpc.conversions import (
    number,
    seconds_from_pb,
    seconds_to_pb,
    short,
    time_from_pb,
)
from phoenix_runtime.core.directives import Directive, DirectiveAction
from phoenix_runtime.core.errors import FieldInvalid, Violation
from registry_svc.domain.declaration import MAX_LATENCY_SECONDS
from registry_svc.domain.health import HealthReport, HealthState
from registry_svc.domain.lease import LeaseTerms
from registry_svc.domain.session import LeaseLostReason
from registry_svc.usecases.sessions.heartbeat import HeartbeatAnswer, HeartbeatRequest
from registry_svc.usecases.sessions.wait_for_directives import DirectivesWanted

STATES = {number(session_pb2.HealthState, state.value): state for state in HealthState}
"""A dictionary, since it is read for every heartbeat."""


def report_from_pb(
    beat: session_pb2.Beat,
) -> tuple[float | None, HealthState | None, float | None]:
    """Load, state and latency of one heartbeat of a stream, None where it reports nothing new.

    Raises `FieldInvalid`. A tuple, and one comparison for the load: heartbeats are very many.
    """
    load = beat.load if beat.HasField("load") else None
    if load is not None and not 0.0 <= load <= 1.0:  # also where it is not a number
        raise FieldInvalid([Violation("beats.load", f"has to be from 0 to 1, not {load}")])
    latency = seconds_from_pb(beat, "latency") if beat.HasField("latency") else None
    if latency is not None and not 0.0 <= latency <= MAX_LATENCY_SECONDS:
        text = f"has to be from 0 to {MAX_LATENCY_SECONDS:g} s, not {latency}"
        raise FieldInvalid([Violation("beats.latency", text)])
    return load, STATES.get(beat.state), latency


def heartbeat_from_pb(request: session_pb2.HeartbeatRequest) -> HeartbeatRequest:
    """A heartbeat without a stream; serving where it reports no state."""
    return HeartbeatRequest(
        participant_id=request.participant_id,
        report=HealthReport(
            load=request.load if request.HasField("load") else None,
            state=STATES.get(request.status, HealthState.SERVING),
        ),
        health=request.health,
        generation=request.generation,
        acknowledged=tuple(request.acknowledged_directives),
        leaving=request.leaving,
    )


def directives_wanted_from_pb(request: session_pb2.WaitForDirectivesRequest) -> DirectivesWanted:
    """What a long poll asks for; raises `FieldInvalid`."""
    return DirectivesWanted(
        participant_id=request.participant_id,
        wait=seconds_from_pb(request, "wait") or 0.0,
        known=tuple(request.known_directives),
    )


def heartbeat_answer_to_pb(
    answered: HeartbeatAnswer, terms: LeaseTerms
) -> session_pb2.HeartbeatResponse:
    """The answer to a heartbeat without a stream."""
    return session_pb2.HeartbeatResponse(
        ttl=seconds_to_pb(terms.granted),
        interval=seconds_to_pb(terms.interval),
        directives=[directive_to_pb(directive) for directive in answered.directives],
        status=answered.status,
    )


def directive_from_pb(directive: session_pb2.Directive) -> Directive:
    """A directive that another service sends; raises `FieldInvalid`."""
    action = short(session_pb2.DirectiveAction, directive.action)
    if not action:
        raise FieldInvalid([Violation("directives.action", "is required")])
    return Directive(
        directive_id=directive.directive_id,
        action=DirectiveAction(action),
        participant_id=directive.participant_id,
        task_id=directive.task_id,
        epoch=directive.epoch,
        handoff_id=directive.handoff_id,
        offer_id=directive.offer_id,
        deadline=time_from_pb(directive, "deadline"),
        facts=dict(directive.facts),
        required_capabilities=tuple(directive.required_capabilities),
    )


def directive_message(directive: Directive) -> session_pb2.KeepAliveResponse:
    """A directive for a stream."""
    return session_pb2.KeepAliveResponse(directive=directive_to_pb(directive))


def lease_message(
    slot: int, participant_id: str, terms: LeaseTerms
) -> session_pb2.KeepAliveResponse:
    """The grant of a lease."""
    lease = session_pb2.Lease(
        slot=slot,
        participant_id=participant_id,
        ttl=seconds_to_pb(terms.granted),
        interval=seconds_to_pb(terms.interval),
    )
    return session_pb2.KeepAliveResponse(lease=lease)


def lease_lost_message(
    slot: int, reason: LeaseLostReason, participant_id: str, text: str
) -> session_pb2.KeepAliveResponse:
    """A lease is taken away, or an Attach refused (slot -1)."""
    lost = session_pb2.LeaseLost(
        slot=slot,
        reason=number(session_pb2.LeaseLostReason, reason.value),
        participant_id=participant_id,
        text=text,
    )
    return session_pb2.KeepAliveResponse(lease_lost=lost)


def beat_ack_message(seq: int) -> session_pb2.KeepAliveResponse:
    """The acknowledgement of all heartbeats up to ``seq``."""
    return session_pb2.KeepAliveResponse(beat_ack=session_pb2.BeatAck(seq=seq))
