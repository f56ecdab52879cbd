"""What a participant's standing means for one task that it has to do with. Pure: read, then acted.

The same question is asked twice: of rows that were read without a lock, so that a standing which
changes nothing costs no transaction, and again under the task's lock, where the answer counts.
"""

from enum import StrEnum, auto

from assignment_svc.domain.gate import LOST, Gate
from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.predicates import covers, holds, parked_for
from assignment_svc.domain.states import HandoffStatus
from assignment_svc.domain.task import Task
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.standing import ParticipantStatus, Standing


class StandingEffect(StrEnum):
    """What has to happen to the task."""

    NONE = auto()
    LOST = auto()
    """Its holder may not keep it."""
    AWAITED = auto()
    """Its holder came back and has to resume it in time."""
    RESUMED = auto()
    """Its holder is back at work: nothing is awaited any more."""
    UNPARKED = auto()
    """The target of an assignment that waits for a human cannot take it any more."""
    WITHDRAWN = auto()
    """The target of an offer that stands cannot take it any more."""


def effect_of(
    standing: Standing, gate: Gate, task: Task, handoff: Handoff | None
) -> StandingEffect:
    """What ``standing`` means for the task; ``gate`` reflects it, ``handoff`` is the open one."""
    who = standing.participant_id
    if holds(task, handoff, who):
        return _for_holder(standing, task)
    closed = not gate.is_open(degraded_allowed=task.spec.degraded_allowed)
    if parked_for(task, who):
        return StandingEffect.UNPARKED if closed else StandingEffect.NONE
    return StandingEffect.WITHDRAWN if closed and _offered(handoff, who) else StandingEffect.NONE


def _for_holder(standing: Standing, task: Task) -> StandingEffect:
    """The owner of the task, or the living source of its handoff."""
    if loss_of(standing, task)[0] is not ReasonCode.NONE:
        return StandingEffect.LOST
    binding = task.binding
    if binding is None:
        return StandingEffect.NONE
    came_back = (
        standing.status is ParticipantStatus.REGISTERED or standing.generation > binding.generation
    )
    if came_back and task.resume_due_at is None:
        return StandingEffect.AWAITED
    if not came_back and task.resume_due_at is not None:
        return StandingEffect.RESUMED
    return StandingEffect.NONE


def _offered(handoff: Handoff | None, who: str) -> bool:
    """Whether an offer to it stands."""
    if handoff is None or handoff.offer is None:
        return False
    return handoff.status is HandoffStatus.OFFERED and handoff.offer.target == who


def loss_of(standing: Standing, task: Task) -> tuple[ReasonCode, str]:
    """Why the participant may not keep the task; `ReasonCode.NONE` where it may."""
    if standing.status in LOST:
        reason = LOST[standing.status]
        if standing.status_reason == ReasonCode.PARTICIPANT_LEFT.value:
            reason = ReasonCode.PARTICIPANT_LEFT
        return reason, f"{standing.participant_id} is {standing.status.value}"
    if not covers(standing, task.spec):
        return ReasonCode.UNAUTHORIZED, "its grants do not cover the task any more"
    return ReasonCode.NONE, ""
