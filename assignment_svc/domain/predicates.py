"""The guards of *One row decides*: fencing, gates, freshness, cover. All pure."""

from assignment_svc.domain.discovery import Evaluation
from assignment_svc.domain.gate import Gate, full
from assignment_svc.domain.handoff import Handoff, Offer
from assignment_svc.domain.states import HandoffStatus, ParkedAction, TaskStatus
from assignment_svc.domain.task import Binding, Parked, Task, TaskSpec
from phoenix_runtime.core.durations import FRESH_SECONDS
from phoenix_runtime.core.errors import (
    IllegalTransition,
    NotPermitted,
    OfferLapsed,
    Refused,
    StaleAssignment,
)
from phoenix_runtime.core.standing import Standing


class StaleRead(Exception):
    """What was read outside the transaction has changed since: the round is repeated."""


class CandidateLost(Exception):
    """This candidate cannot be bound now; the next one may. ``failed`` names the conjunct."""

    def __init__(self, failed: str, because: str) -> None:
        super().__init__(because)
        self.failed = failed
        self.because = because


class TooSlow(Refused):
    """What was read had changed in every round; nothing was done."""

    reason = "UNAVAILABLE"
    remedy = "Retry after the delay given; nothing was changed."

    def __init__(self) -> None:
        super().__init__("What was read had changed in every round")


def fenced(task: Task, *, participant_id: str, epoch: int) -> Binding:
    """The binding that entitles the caller to write (I3); raises `StaleAssignment` otherwise."""
    binding = task.binding
    if (
        binding is None
        or not participant_id
        or binding.participant_id != participant_id
        or binding.epoch != epoch
        or task.epoch != epoch
    ):
        raise StaleAssignment(task_id=task.task_id, epoch=epoch, current_epoch=task.epoch)
    return binding


def admitted(gate: Gate, standing: Standing, *, degraded_allowed: bool) -> Gate:
    """The gate with one seat taken for ``standing``.

    Raises `StaleRead` where the gate reflects a newer standing than ``standing``, and
    `CandidateLost` where it is closed or full. An older gate is brought up first.
    """
    if gate.standing_revision > standing.standing_revision:
        raise StaleRead
    current = gate.brought_up(standing)
    if not current.is_open(degraded_allowed=degraded_allowed):
        because = "it is leaving for ever" if current.marked else f"it is {current.status.value}"
        raise CandidateLost("active", because)
    if current.used >= current.capacity:
        raise CandidateLost("capacity", full(current.capacity))
    return current.taken()


def fresh(evaluation: Evaluation, *, monotonic: float) -> None:
    """Raise `StaleRead` unless standing and decision are at most 5 s old (I5)."""
    oldest = min(evaluation.standing_asked_at, evaluation.decision_asked_at)
    if monotonic - oldest > FRESH_SECONDS:
        raise StaleRead


def covers(standing: Standing, spec: TaskSpec) -> bool:
    """Whether the grants still cover the task: every capability and every domain."""
    grants = standing.grants
    return grants.capabilities.issuperset(spec.required_capabilities) and (
        grants.data_domains.issuperset(spec.data_domains)
    )


def seats_of(task: Task, handoff: Handoff | None) -> set[str]:
    """Whose gates a change of this task can touch: owner, living source, offered target."""
    held = {task.owner_id}
    if handoff is not None:
        held.add(handoff.source)
        if handoff.offer is not None:
            held.add(handoff.offer.target)
    return {name for name in held if name}


def holds(task: Task, handoff: Handoff | None, participant_id: str) -> bool:
    """Whether the participant owns the task, or is the living source of its handoff."""
    if task.ended:
        return False
    if task.owner_id == participant_id:
        return True
    return handoff is not None and handoff.source_seated and handoff.source == participant_id


def seated_at(task: Task, handoff: Handoff | None, participant_id: str) -> bool:
    """Whether the task has a seat there: it is held, or kept free for the target of an offer."""
    offer = handoff.offer if handoff is not None and not task.ended else None
    offered = offer is not None and offer.target == participant_id
    return offered or holds(task, handoff, participant_id)


def parked_for(task: Task, participant_id: str) -> Parked | None:
    """The question for which an assignment to the participant waits; None where none does."""
    parked = task.parked
    if parked is None or parked.action is not ParkedAction.ASSIGN:
        return None
    return parked if parked.target == participant_id else None


def waits_for(task: Task, approval_id: str, action: ParkedAction) -> bool:
    """Whether the task is parked with exactly this question."""
    parked = task.parked
    return parked is not None and parked.action is action and parked.approval_id == approval_id


def unchanged(read: Task, locked: Task) -> None:
    """Raise `StaleRead` where the task moved on between reading and locking it."""
    same = (
        read.status is locked.status
        and read.epoch == locked.epoch
        and read.parked == locked.parked
        and read.handoff_id == locked.handoff_id
    )
    if not same:
        raise StaleRead


def requires_active(task: Task, verb: str) -> None:
    """Raise `IllegalTransition` unless the task is being worked on."""
    if task.status is not TaskStatus.ACTIVE:
        raise IllegalTransition(kind="task", source=task.status.value, verb=verb, allowed=())


def may_retry(task: Task) -> bool:
    """Whether the task is in an attempt and has another one left."""
    return task.status is TaskStatus.ACTIVE and task.attempt < task.spec.max_attempts


def offered_to(handoff: Handoff, offer_id: str, target: str) -> Offer:
    """The offer of this id to this target, where it stands; the row decides, and no clock.

    Raises `OfferLapsed` where it does not stand, `NotPermitted` where it is another target's.
    """
    offer = handoff.offer
    if handoff.status is not HandoffStatus.OFFERED or offer is None or offer.offer_id != offer_id:
        raise OfferLapsed(offer_id)
    if offer.target != target:
        remedy = "Leave it to its target; who else is asked gets an offer of its own."
        raise NotPermitted("The offer is somebody else's", {"offer_id": offer_id}, remedy=remedy)
    return offer
