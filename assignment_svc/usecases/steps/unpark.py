"""Ends the waiting of an assignment for a human: refused, or its target cannot take the task."""

from dataclasses import dataclass

from assignment_svc.domain import task_parking
from assignment_svc.domain.lifecycle import TaskVerb
from assignment_svc.domain.task import Parked, Task
from assignment_svc.usecases.steps.approval_requests import withdraw_question
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.events import AuditEventType, ReasonCode


@dataclass(frozen=True, slots=True)
class Unparking:
    """Why an assignment waits no longer; ``withdraw`` where its question is still open."""

    reason: ReasonCode
    why: str
    verb: TaskVerb = TaskVerb.UNPARK
    withdraw: bool = True


async def unpark(
    transaction: TaskTransaction, task: Task, parked: Parked, unparking: Unparking
) -> Task:
    """Queue the task again; answers it, saved. ``parked`` is the question; it holds no seat.

    Raises `IllegalTransition`.
    """
    after = task_parking.unparked(task, unparking.verb, reason=unparking.reason, at=transaction.now)
    if unparking.withdraw:
        await withdraw_question(transaction, parked.approval_id)
    fields = EventFields(
        AuditEventType.TASK_UNPARKED,
        reason=unparking.reason,
        participant=parked.target,
        inputs=(parked.subject_hash,),
        detail={
            "action": parked.action.value,
            "subject_hash": parked.subject_hash,
            "approval_id": parked.approval_id,
            "target": parked.target,
            "why": unparking.why,
        },
    )
    queued, _ = await transaction.save(task, after, fields)
    return queued
