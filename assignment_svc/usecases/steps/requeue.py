"""ASSIGNED or ACTIVE → PENDING: declined, not started in time, or tried again elsewhere."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from assignment_svc.domain.lifecycle import task_step
from assignment_svc.domain.predicates import seats_of
from assignment_svc.domain.states import Actor, AssignmentIntent
from assignment_svc.domain.task import Exclusion, Task
from assignment_svc.usecases.steps.migration import HandoffAbort, abort_handoff
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.directives import DirectiveAction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.json import EMPTY_OBJECT, JsonObject
from phoenix_runtime.core.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Requeue:
    """How a task comes back. ``exclude_owner`` where its owner is not asked again for a while."""

    verb: str
    actor: Actor
    type: AuditEventType
    reason: ReasonCode
    why: str = ""
    exclude_owner: bool = False
    detail: JsonObject = field(default_factory=lambda: EMPTY_OBJECT)


async def requeue(transaction: TaskTransaction, task: Task, how: Requeue) -> tuple[Task, Receipt]:
    """Burn the epoch, release the seat, queue the task again; its context is kept.

    The task is locked, its gates are not yet. Finishes the act.
    """
    status = task_step(task.status, task.parked_for, how.verb, how.actor)
    owner = task.owner_id
    handoff = (await transaction.unit.open_handoffs([task.task_id])).get(task.task_id)
    await transaction.lock_gates(seats_of(task, handoff))
    before = task
    if handoff is not None:
        abort = HandoffAbort(how.reason, f"its source gave the task back ({how.verb})")
        before, _, _ = await abort_handoff(transaction, task, handoff, abort)
    transaction.release(owner)
    epoch = task.epoch
    if how.actor is not Actor.ASSIGNEE:
        facts = {"reason": how.reason.value}
        await transaction.direct(DirectiveAction.STOP_TASK, owner, task, facts=facts)
    lost = await transaction.lose(before, by=how.verb)
    if how.exclude_owner:
        await _exclude(transaction, task, owner, how.reason)
    saved, receipt = await transaction.record(
        before,
        replace(
            lost, status=status, reason=how.reason.value, next_try_at=_next_try(transaction, task)
        ),
        EventFields(
            how.type,
            reason=how.reason,
            participant=owner,
            detail={"epoch": epoch, "attempt": task.attempt, "why": how.why, **how.detail},
        ),
    )
    await transaction.unit.save_task(saved)
    await transaction.finish()
    return saved, receipt


def _next_try(transaction: TaskTransaction, task: Task) -> datetime | None:
    """At once where the engine looks by itself; somebody else may take it."""
    return transaction.now if task.spec.intent is AssignmentIntent.AUTOMATIC else None


async def _exclude(
    transaction: TaskTransaction, task: Task, participant_id: str, reason: ReasonCode
) -> None:
    """Not asked for this task again before a while, longer each time."""
    before = [
        one
        for one in await transaction.unit.exclusions(task.task_id)
        if one.participant_id == participant_id and not one.scope
    ]
    tries = before[0].tries + 1 if before else 1
    until = transaction.rules.exclusion.after(transaction.now, tries)
    because = f"it {reason.value.replace('_', ' ')} before; asked again at {until:%H:%M:%S}"
    await transaction.unit.exclude(
        Exclusion(
            task.task_id,
            participant_id,
            reason.value,
            because=because,
            tries=tries,
            excluded_until=until,
        )
    )
