"""Records that policy denies one target of a handoff, or that no target is allowed at all."""

from collections.abc import Sequence

from assignment_svc.domain import handoff_transitions, task_transitions
from assignment_svc.domain.discovery import Alternative
from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.task import Task
from assignment_svc.usecases.handoff.evaluate_target import TargetEvaluation
from assignment_svc.usecases.steps.denials import denial_is_new
from assignment_svc.usecases.steps.documents import alternative_documents, denial_detail
from assignment_svc.usecases.steps.migration import handed_over
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.json import content_hash


async def record_denial(
    transaction: TaskTransaction, task: Task, handoff: Handoff, target: TargetEvaluation
) -> None:
    """Record HANDOFF_DENIED for one target, where the denial is the first or differs."""
    denied = handoff_transitions.target_denied(handoff)
    if not await denial_is_new(transaction, task, target.evaluation):
        return
    who = target.participant_id
    fields = EventFields(
        AuditEventType.HANDOFF_DENIED,
        reason=ReasonCode.POLICY_DENIED,
        participant=who,
        verdict=target.verdict,
        detail=denial_detail(target.verdict, target=who, **handed_over(task, handoff)),
    )
    saved, _, _ = await transaction.record_handoff((task, task), (handoff, denied), fields)
    await transaction.unit.save_task(saved)


async def record_nobody(
    transaction: TaskTransaction, task: Task, handoff: Handoff, lost: Sequence[Alternative]
) -> None:
    """End the handoff as DENIED: no target is allowed, and the task was never interrupted."""
    failure_hash = content_hash({one.participant_id: one.failed for one in lost})
    denied = handoff_transitions.denied(handoff, failure_hash)
    fields = EventFields(
        AuditEventType.HANDOFF_DENIED,
        reason=ReasonCode.NO_ELIGIBLE_PARTICIPANT,
        participant=handoff.source,
        detail={**handed_over(task, handoff), "failed": alternative_documents(lost)},
    )
    tasks = (task, task_transitions.handoff_ended(task))
    saved, _, _ = await transaction.record_handoff(tasks, (handoff, denied), fields)
    await transaction.unit.save_task(saved)
