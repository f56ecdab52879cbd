"""Between messages and values: beats, leases, directives."""

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
from registry_svc.domain.declaration import LONGEST_LATENCY
from registry_svc.domain.lease import LeaseTerms
from registry_svc.domain.presence import Loss
from registry_svc.domain.vitals import HealthState, Report
from registry_svc.usecases.heartbeat import Answered, Pulse

STATES = {number(session_pb2.HealthState, state.value): state for state in HealthState}
"""A dictionary, since it is asked for every beat."""


def report_from_pb(
    beat: session_pb2.Beat,
) -> tuple[float | None, HealthState | None, float | None]:
    """Load, state and latency of one beat of a stream, None where it says nothing new.

    Raises `FieldInvalid`. A tuple, and one comparison for the load: there are very many.
    """
    load = beat.load if beat.HasField("load") else None
    if load is not None and not 0.0 <= load <= 1.0:  # also where it is not a number
        raise FieldInvalid([Violation("beats.load", f"has to be from 0 to 1, not {load}")])
    latency = seconds_from_pb(beat, "latency") if beat.HasField("latency") else None
    if latency is not None and not 0.0 <= latency <= LONGEST_LATENCY:
        text = f"has to be from 0 to {LONGEST_LATENCY:g} s, not {latency}"
        raise FieldInvalid([Violation("beats.latency", text)])
    return load, STATES.get(beat.state), latency


def pulse_from_pb(request: session_pb2.HeartbeatRequest) -> Pulse:
    """What a unary beat says; serving where it does not say."""
    return Pulse(
        participant_id=request.participant_id,
        report=Report(
            load=request.load if request.HasField("load") else None,
            state=STATES.get(request.status, HealthState.SERVING),
        ),
        health=request.health,
        generation=request.generation,
        acknowledged=tuple(request.acknowledged_directives),
    )


def answered_to_pb(answered: Answered, terms: LeaseTerms) -> session_pb2.HeartbeatResponse:
    """What the runtime answers to a unary beat."""
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
    )


def directive_down(directive: Directive) -> session_pb2.KeepAliveResponse:
    """A directive on its way down."""
    return session_pb2.KeepAliveResponse(directive=directive_to_pb(directive))


def lease_down(slot: int, participant_id: str, terms: LeaseTerms) -> session_pb2.KeepAliveResponse:
    """The grant of a lease."""
    lease = session_pb2.Lease(
        slot=slot,
        participant_id=participant_id,
        ttl=seconds_to_pb(terms.granted),
        interval=seconds_to_pb(terms.interval),
    )
    return session_pb2.KeepAliveResponse(lease=lease)


def loss_down(
    slot: int, loss: Loss, participant_id: str, text: str
) -> session_pb2.KeepAliveResponse:
    """A lease is taken away, or an Attach refused (slot -1)."""
    lost = session_pb2.LeaseLost(
        slot=slot,
        reason=number(session_pb2.LeaseLostReason, loss.value),
        participant_id=participant_id,
        text=text,
    )
    return session_pb2.KeepAliveResponse(lease_lost=lost)


def ack_down(seq: int) -> session_pb2.KeepAliveResponse:
    """The highest seq received."""
    return session_pb2.KeepAliveResponse(beat_ack=session_pb2.BeatAck(seq=seq))
