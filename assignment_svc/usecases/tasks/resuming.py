"""What resuming changes: a held task gets a new epoch, a lost one a new binding."""

from assignment_svc.domain.discovery import Evaluation
from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.lifecycle import TaskVerb
from assignment_svc.domain.losses import is_loss, loss_detail, with_loss
from assignment_svc.domain.states import HandoffStatus, TaskStatus
from assignment_svc.domain.task import Task
from assignment_svc.domain.task_transitions import resumed, returned
from assignment_svc.usecases.steps.migration import HandoffAbort, abort_handoff
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.standing import Standing


def may_return(task: Task, handoff: Handoff | None, participant_id: str) -> bool:
    """MIGRATING, taken from this participant, and no offer stands."""
    return (
        task.status is TaskStatus.MIGRATING
        and handoff is not None
        and handoff.source == participant_id
        and handoff.status is not HandoffStatus.OFFERED
    )


async def renew(
    transaction: TaskTransaction, task: Task, standing: Standing, decision_id: str
) -> tuple[Task, Receipt]:
    """The same task and seat under a new epoch and the newer generation.

    The process that worked on it is gone, whether or not its lease had expired: that is a loss.
    """
    if is_loss(task, ReasonCode.PARTICIPANT_RETURNED):
        task = with_loss(task, ReasonCode.PARTICIPANT_RETURNED, transaction.now)
    after = resumed(task, transaction.binding(task, standing, decision_id))
    fields = EventFields(
        AuditEventType.TASK_RESUMED,
        reason=ReasonCode.PARTICIPANT_RETURNED,
        participant=standing.participant_id,
        detail={
            "burnt_epoch": task.epoch,
            "epoch": after.epoch,
            "generation": standing.generation,
            "attempt": task.attempt,
            **loss_detail(task, task.epoch),
        },
        verb=TaskVerb.RESUME,
    )
    task, receipt = await transaction.save(task, after, fields)
    return task, receipt


async def give_back(
    transaction: TaskTransaction, task: Task, handoff: Handoff, evaluation: Evaluation
) -> tuple[Task, Receipt]:
    """MIGRATING → ACTIVE with its own source; the handoff ends ABORTED, `source_returned`."""
    standing, verdict = evaluation.standing, evaluation.verdict
    why = "its source came back before anybody took over"
    abort = HandoffAbort(ReasonCode.SOURCE_RETURNED, why)
    task, _, _ = await abort_handoff(transaction, task, handoff, abort)
    after = returned(task, transaction.binding(task, standing, verdict), verdict)
    fields = EventFields(
        AuditEventType.TASK_RESUMED,
        reason=ReasonCode.SOURCE_RETURNED,
        participant=standing.participant_id,
        verdict=verdict,
        detail={
            "epoch": after.epoch,
            "generation": standing.generation,
            "attempt": after.attempt,
            "handoff_id": handoff.handoff_id,
            "standing_revision": standing.standing_revision,
        },
        verb=TaskVerb.RESUME,
    )
    task, receipt = await transaction.save(task, after, fields)
    return task, receipt
