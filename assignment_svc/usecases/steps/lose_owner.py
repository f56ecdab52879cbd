"""Takes a task away from an owner that is gone: at once, in one commit, and nobody is asked.

The epoch is burnt, the seat released, the task MIGRATING, its handoff INITIATED or without its
source. Finding another owner is left to the handoff.
"""

from assignment_svc.domain import handoff_transitions, task_transitions
from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.lifecycle import TaskVerb
from assignment_svc.domain.losses import is_loss, with_loss
from assignment_svc.domain.states import TaskStatus
from assignment_svc.domain.task import Binding, Task
from assignment_svc.usecases.steps.migration import (
    HandoffStart,
    begin_handoff,
    fence_source,
    stop_source,
)
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.events import AuditEventType, ReasonCode


async def lose_owner(
    transaction: TaskTransaction,
    task: Task,
    handoff: Handoff | None,
    *,
    reason: ReasonCode,
    why: str,
) -> Task:
    """Take the task away from its owner, or from the living source of its open handoff.

    The task is locked and so are the gates of `seats_of`. Counts the loss where it is one; whether
    it was the last is for the caller (`steps.losses`). Answers the task, saved.
    """
    if is_loss(task, reason):
        task = with_loss(task, reason, transaction.now)
    owner = task.binding
    if owner is not None and task.status is TaskStatus.AWAITING_APPROVAL:
        task = await _orphan(transaction, task, owner, reason, why)
    elif owner is not None:
        task = await _lose_task(transaction, (task, owner), handoff, reason, why)
    elif handoff is not None:
        task = await _lose_source(transaction, task, handoff, reason, why)
    await transaction.unit.save_task(task)
    return task


async def _lose_task(
    transaction: TaskTransaction,
    held: tuple[Task, Binding],
    handoff: Handoff | None,
    reason: ReasonCode,
    why: str,
) -> Task:
    """ASSIGNED or ACTIVE: the owner's seat and epoch go, a handoff looks for the next one."""
    task, owner = held
    if handoff is None:
        start = HandoffStart(reason, gone=True, why=why)
        task, handoff, _ = await begin_handoff(transaction, task, owner, start)
    else:
        handoff = await _without_source(transaction, handoff)
    transaction.release(owner.participant_id)
    fenced = await fence_source(transaction, task, owner, reason, why)
    await stop_source(transaction, fenced, handoff, reason.value)
    return fenced


async def _lose_source(
    transaction: TaskTransaction, task: Task, handoff: Handoff, reason: ReasonCode, why: str
) -> Task:
    """MIGRATING already, and the living source kept its seat: now it loses that too."""
    if handoff.source_seated:
        transaction.release(handoff.source)
    fields = EventFields(
        AuditEventType.TASK_MIGRATING,
        reason=reason,
        participant=handoff.source,
        detail={"burnt_epoch": handoff.source_epoch, "why": why, "source_gone": True},
    )
    lost = handoff_transitions.source_lost(handoff, transaction.now)
    tasks = (task, task_transitions.source_lost(task, reason))
    task, _, _ = await transaction.record_handoff(tasks, (handoff, lost), fields)
    return task


async def _without_source(transaction: TaskTransaction, handoff: Handoff) -> Handoff:
    lost = handoff_transitions.source_lost(handoff, transaction.now)
    await transaction.unit.save_handoff(lost)
    return lost


async def _orphan(
    transaction: TaskTransaction, task: Task, owner: Binding, reason: ReasonCode, why: str
) -> Task:
    """Parked with its result: the question stays, and so does the result; the owner does not."""
    transaction.release(owner.participant_id)
    parked = task.parked
    question = (
        {"subject_hash": parked.subject_hash, "approval_id": parked.approval_id} if parked else {}
    )
    fields = EventFields(
        AuditEventType.TASK_ORPHANED,
        reason=reason,
        participant=owner.participant_id,
        outputs=(parked.subject_hash,) if parked else (),
        detail={"burnt_epoch": task.epoch, "why": why, **question},
        verb=TaskVerb.ORPHAN,
    )
    orphaned, _ = await transaction.record(task, task_transitions.orphaned(task, reason), fields)
    return orphaned
