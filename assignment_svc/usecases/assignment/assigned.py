"""What an assignment answers (paper, Appendix A)."""

from dataclasses import dataclass

from assignment_svc.domain.discovery import Alternative
from assignment_svc.domain.states import ParkedAction
from assignment_svc.domain.task import Task
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.score import Score


@dataclass(frozen=True, slots=True)
class Assigned:
    """Who got the task and why; ``parked`` where a human is asked first."""

    task: Task
    participant_id: str
    receipt: Receipt
    decision_id: str
    explanation: str
    parked: bool = False
    assignment_id: str = ""
    score: Score | None = None
    alternatives: tuple[Alternative, ...] = ()


def standing_answer(task: Task) -> Assigned | None:
    """The answer of a task that is bound or waits for a human already; None where it is neither."""
    receipt = Receipt(task.last_event_id, task.correlation_id, task.version)
    if task.binding is not None:
        return Assigned(
            task=task,
            participant_id=task.binding.participant_id,
            receipt=receipt,
            decision_id=task.binding.decision_id,
            explanation=task.binding.explanation,
            assignment_id=task.binding.assignment_id,
        )
    if task.parked is not None and task.parked.action is ParkedAction.ASSIGN:
        return Assigned(
            task=task,
            participant_id=task.parked.target,
            receipt=receipt,
            decision_id="",
            explanation=f"A human is asked ({task.parked.approval_id}).",
            parked=True,
        )
    return None
