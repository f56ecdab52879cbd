"""Unpark: an assignment that waits for a human is given up, because its target cannot take it."""

from dataclasses import replace

from assignment_svc.domain.lifecycle import task_step
from assignment_svc.domain.states import Actor
from assignment_svc.domain.task import Task
from assignment_svc.usecases.steps.approval_requests import withdraw_question
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.events import AuditEventType, ReasonCode


async def unpark(transaction: TaskTransaction, task: Task, reason: ReasonCode, why: str) -> Task:
    """PENDING again, the question withdrawn; answers the task, saved. It holds no seat."""
    status = task_step(task.status, task.parked_for, "unpark", Actor.ENGINE)
    parked = task.parked
    if parked is None:
        raise LookupError(f"{task.task_id} is not parked")
    await withdraw_question(transaction, parked.approval_id)
    saved, _ = await transaction.record(
        task,
        replace(task, status=status, parked=None, reason=reason.value, next_try_at=transaction.now),
        EventFields(
            AuditEventType.TASK_UNPARKED,
            reason=reason,
            participant=parked.target,
            inputs=(parked.subject_hash,),
            detail={
                "action": parked.action.value,
                "subject_hash": parked.subject_hash,
                "approval_id": parked.approval_id,
                "target": parked.target,
                "why": why,
            },
        ),
    )
    await transaction.unit.save_task(saved)
    return saved
