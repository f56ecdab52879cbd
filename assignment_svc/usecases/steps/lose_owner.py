"""A task whose owner is gone: fenced at once, in one commit, and nobody is asked.

Epoch burnt, seat released, MIGRATING, handoff INITIATED (or its source lost). Giving the task to
somebody else is the handoff's own affair.
"""

from dataclasses import replace

from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.lifecycle import HANDOFF, task_step
from assignment_svc.domain.states import Actor, HandoffStatus, TaskStatus
from assignment_svc.domain.task import Task
from assignment_svc.usecases.steps.migration import (
    HandoffStart,
    begin_handoff,
    fence_source,
    stop_source,
)
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.events import AuditEventType, ReasonCode

ENGINE = "engine"


async def lose_owner(
    transaction: TaskTransaction,
    task: Task,
    handoff: Handoff | None,
    *,
    reason: ReasonCode,
    why: str,
) -> Task:
    """Take the task away from its owner, or from the living source of its open handoff.

    The task is locked and so are the gates of `seats_of`. Answers the task, saved.
    """
    if task.status is TaskStatus.AWAITING_APPROVAL:
        changed = await _orphan(transaction, task, reason, why)
    elif task.status is TaskStatus.MIGRATING and handoff is not None:
        changed = await _lose_source(transaction, task, handoff, reason, why)
    else:
        changed = await _lose_task(transaction, task, handoff, reason, why)
    await transaction.unit.save_task(changed)
    return changed


async def _lose_task(
    transaction: TaskTransaction, task: Task, handoff: Handoff | None, reason: ReasonCode, why: str
) -> Task:
    """ASSIGNED or ACTIVE: the owner's seat and epoch go, a handoff looks for the next one."""
    source = task.binding
    if source is None:
        raise LookupError(f"{task.task_id} has no owner to lose")
    if handoff is None:
        start = HandoffStart(reason, ENGINE, gone=True, why=why)
        task, handoff, _ = await begin_handoff(transaction, task, source, start)
    else:
        handoff = await _source_lost(transaction, handoff)
    transaction.release(source.participant_id)
    fenced = await fence_source(transaction, task, reason, why)
    await stop_source(transaction, fenced, handoff, reason.value)
    return fenced


async def _lose_source(
    transaction: TaskTransaction, task: Task, handoff: Handoff, reason: ReasonCode, why: str
) -> Task:
    """MIGRATING already, the living source kept its seat: now it loses it too."""
    if handoff.source_seated:
        transaction.release(handoff.source)
    lost = await _source_lost(transaction, handoff)
    saved, _ = await transaction.record(
        task,
        replace(task, reason=reason.value),
        EventFields(
            AuditEventType.TASK_MIGRATING,
            reason=reason,
            participant=handoff.source,
            handoff=handoff.handoff_id,
            handoff_states=(handoff.status, lost.status),
            detail={"burnt_epoch": handoff.source_epoch, "why": why, "source_gone": True},
        ),
    )
    return saved


async def _source_lost(transaction: TaskTransaction, handoff: Handoff) -> Handoff:
    status = HANDOFF.apply(handoff.status, "source_lost", Actor.ENGINE)
    waits = status is HandoffStatus.INITIATED
    lost = replace(
        handoff,
        status=status,
        source_gone=True,
        source_seated=False,
        next_try_at=transaction.now if waits else handoff.next_try_at,
        updated_at=transaction.now,
    )
    await transaction.unit.save_handoff(lost)
    return lost


async def _orphan(transaction: TaskTransaction, task: Task, reason: ReasonCode, why: str) -> Task:
    """Parked with its result: the question stays, and so does the result; the owner does not."""
    status = task_step(task.status, task.parked_for, "orphan", Actor.ENGINE)
    owner = task.owner_id
    transaction.release(owner)
    burnt = task.epoch
    lost = await transaction.lose(task, by="orphan")
    saved, _ = await transaction.record(
        task,
        replace(lost, status=status, reason=reason.value),
        EventFields(
            AuditEventType.TASK_ORPHANED,
            reason=reason,
            participant=owner,
            outputs=(task.parked.subject_hash,) if task.parked else (),
            detail={"burnt_epoch": burnt, "why": why, **_question(task)},
        ),
    )
    return saved


def _question(task: Task) -> dict[str, str]:
    parked = task.parked
    if parked is None:
        return {}
    return {"subject_hash": parked.subject_hash, "approval_id": parked.approval_id}
