"""The guards of *One row decides*: fencing, gates, freshness, cover. All pure."""

from assignment_svc.domain.discovery import Evaluation
from assignment_svc.domain.gate import Gate
from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.states import ParkedAction
from assignment_svc.domain.task import Binding, Task, TaskSpec
from phoenix_runtime.core.errors import Refused, StaleAssignment
from phoenix_runtime.core.freshness import FRESH_SECONDS
from phoenix_runtime.core.standing import Standing


class StaleRead(Exception):
    """What was judged outside the transaction is no longer what is there: judge it again."""


class CandidateLost(Exception):
    """This candidate cannot be bound now; the next one may. ``failed`` names the conjunct."""

    def __init__(self, failed: str, because: str) -> None:
        super().__init__(because)
        self.failed = failed
        self.because = because


class TooSlow(Refused):
    """What was judged changed again and again; nothing was done."""

    reason = "UNAVAILABLE"
    remedy = "Retry after the delay given; nothing was changed."


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

    Raises `StaleRead` where the gate has seen a newer standing than the one judged, and
    `CandidateLost` where it is closed or full. An older gate is brought up first.
    """
    if gate.standing_revision > standing.standing_revision:
        raise StaleRead
    current = gate.brought_up(standing)
    if not current.is_open(degraded_allowed=degraded_allowed):
        because = "it is leaving for ever" if current.marked else f"it is {current.status.value}"
        raise CandidateLost("active", because)
    if current.used >= current.capacity:
        raise CandidateLost("capacity", f"all of its {current.capacity} seats are taken")
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


def parked_for(task: Task, participant_id: str) -> bool:
    """Whether an assignment to the participant waits for a human."""
    parked = task.parked
    return (
        parked is not None
        and parked.action is ParkedAction.ASSIGN
        and parked.target == participant_id
    )
