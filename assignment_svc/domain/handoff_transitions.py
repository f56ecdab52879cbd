"""The steps of a handoff. Each returns the new value and names every field that it touches.

The task's lock covers its handoff. A step that the lifecycle table does not have from the status
raises `IllegalTransition`. An offer stands exactly while the status is OFFERED, and a question to a
human exactly while it is AWAITING_APPROVAL.
"""

from dataclasses import replace
from datetime import datetime

from assignment_svc.domain.handoff import Acceptance, Handoff, Offer, ParkedHandoff
from assignment_svc.domain.lifecycle import HANDOFF, HandoffVerb
from assignment_svc.domain.states import Actor, HandoffStatus


def offered(handoff: Handoff, offer: Offer, *, source_seated: bool) -> Handoff:
    """OFFERED to one target. A living source that was fenced for it keeps its seat."""
    return replace(
        handoff,
        status=_step(handoff, HandoffVerb.OFFER),
        offer=offer,
        source_seated=source_seated,
        next_try_at=None,
        tries=0,
    )


def offer_ended(handoff: Handoff, verb: HandoffVerb, actor: Actor, at: datetime) -> Handoff:
    """INITIATED without the offer; the next target is looked for at once."""
    return replace(
        handoff,
        status=HANDOFF.apply(handoff.status, verb, actor),
        offer=None,
        cleared_target_id="",
        next_try_at=at,
    )


def completed(
    handoff: Handoff, offer: Offer, acceptance: Acceptance, *, epoch: int, decision_id: str
) -> Handoff:
    """COMPLETED: the target holds the task under ``epoch``, and the source keeps nothing."""
    return replace(
        handoff,
        status=HANDOFF.apply(handoff.status, HandoffVerb.COMPLETE, Actor.TARGET),
        offer=None,
        source_seated=False,
        next_try_at=None,
        target=offer.target,
        target_epoch=epoch,
        decision_id=decision_id,
        received_hash=acceptance.received_hash,
        accepted_obligations=acceptance.accepted_obligations,
    )


def aborted(handoff: Handoff, actor: Actor) -> Handoff:
    """ABORTED: nothing of it stands open, no seat is kept for it."""
    return replace(
        handoff,
        status=HANDOFF.apply(handoff.status, HandoffVerb.ABORT, actor),
        offer=None,
        parked=None,
        source_seated=False,
        next_try_at=None,
    )


def denied(handoff: Handoff, failure_hash: str) -> Handoff:
    """DENIED: its source lives, no target is allowed, and the task was never interrupted."""
    return replace(
        handoff,
        status=_step(handoff, HandoffVerb.DENY),
        parked=None,
        next_try_at=None,
        failure_hash=failure_hash,
    )


def source_lost(handoff: Handoff, at: datetime) -> Handoff:
    """The same status without the source, which keeps no seat; INITIATED, it looks on at once."""
    status = _step(handoff, HandoffVerb.SOURCE_LOST)
    return replace(
        handoff,
        status=status,
        source_gone=True,
        source_seated=False,
        next_try_at=at if status is HandoffStatus.INITIATED else handoff.next_try_at,
        updated_at=at,
    )


def parked(handoff: Handoff, question: ParkedHandoff) -> Handoff:
    """AWAITING_APPROVAL of one target."""
    return replace(
        handoff,
        status=_step(handoff, HandoffVerb.ASK_HUMAN),
        parked=question,
        next_try_at=None,
    )


def cleared(handoff: Handoff, *, target: str, approval_id: str, at: datetime) -> Handoff:
    """INITIATED with one target that a human allowed; it is tried first."""
    return replace(
        handoff,
        status=_step(handoff, HandoffVerb.APPROVED),
        parked=None,
        cleared_target_id=target,
        approval_id=approval_id,
        next_try_at=at,
    )


def target_refused(handoff: Handoff, at: datetime) -> Handoff:
    """INITIATED without the target that was asked about; the next one is looked for at once."""
    return replace(
        handoff,
        status=_step(handoff, HandoffVerb.REFUSE_TARGET),
        parked=None,
        next_try_at=at,
    )


def target_denied(handoff: Handoff) -> Handoff:
    """INITIATED still: policy denies one target, and the search goes on with the next."""
    return replace(handoff, status=_step(handoff, HandoffVerb.REFUSE_TARGET))


def nobody_found(handoff: Handoff, *, next_try_at: datetime, at: datetime) -> Handoff:
    """INITIATED still: a search found nobody, and the next one comes later."""
    return replace(
        handoff,
        tries=handoff.tries + 1,
        cleared_target_id="",
        next_try_at=next_try_at,
        updated_at=at,
    )


def due_now(handoff: Handoff, at: datetime) -> Handoff:
    """The same handoff, due at once: what it waited for has happened."""
    return replace(handoff, next_try_at=at)


def recorded(handoff: Handoff, *, event_id: str, at: datetime) -> Handoff:
    """The handoff as the event ``event_id`` leaves it."""
    return replace(handoff, updated_at=at, last_event_id=event_id)


def _step(handoff: Handoff, verb: HandoffVerb) -> HandoffStatus:
    """The status after a verb of the engine."""
    return HANDOFF.apply(handoff.status, verb, Actor.ENGINE)
