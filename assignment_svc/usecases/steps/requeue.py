"""Puts a task back into the queue: declined, not started in time, or to be tried again."""

from dataclasses import dataclass, field, replace

from assignment_svc.domain import task_transitions
from assignment_svc.domain.lifecycle import TaskVerb
from assignment_svc.domain.predicates import seats_of
from assignment_svc.domain.states import Actor
from assignment_svc.domain.task import Exclusion, Task
from assignment_svc.usecases.steps.migration import HandoffAbort, abort_handoff
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.directives import DirectiveAction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.json import EMPTY_OBJECT, JsonObject
from phoenix_runtime.core.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Requeue:
    """Why and by whom; ``exclude_owner`` where the owner is not asked again for a while."""

    verb: TaskVerb
    actor: Actor
    type: AuditEventType
    reason: ReasonCode
    why: str = ""
    exclude_owner: bool = False
    detail: JsonObject = field(default_factory=lambda: EMPTY_OBJECT)


async def requeue(transaction: TaskTransaction, task: Task, how: Requeue) -> tuple[Task, Receipt]:
    """Burn the epoch, release the seat, queue the task again; its context is kept.

    The task is locked, its gates are not yet. Finishes the transaction. Raises `IllegalTransition`.
    """
    task_transitions.step(task, how.verb, how.actor)  # before anything else is written
    owner, epoch = task.owner_id, task.epoch
    handoff = (await transaction.unit.open_handoffs([task.task_id])).get(task.task_id)
    await transaction.lock_gates(seats_of(task, handoff))
    if handoff is not None:
        abort = HandoffAbort(how.reason, f"its source gave the task back ({how.verb})")
        task, _, _ = await abort_handoff(transaction, task, handoff, abort)
    transaction.release(owner)
    if how.actor is not Actor.ASSIGNEE:
        facts = {"reason": how.reason.value}
        await transaction.direct(DirectiveAction.STOP_TASK, owner, task, facts=facts)
    if how.exclude_owner:
        await _exclude(transaction, task, owner, how.reason)
    elif how.verb is TaskVerb.RETRY:
        await _try_others_first(transaction, task, owner, how.reason)
    fields = EventFields(
        how.type,
        reason=how.reason,
        participant=owner,
        detail={"epoch": epoch, "attempt": task.attempt, "why": how.why, **how.detail},
        verb=how.verb,
    )
    after = task_transitions.requeued(
        task, how.verb, how.actor, reason=how.reason, at=transaction.now
    )
    after = task_transitions.explained(after, how.why)
    queued, receipt = await transaction.save(task, after, fields)
    await transaction.finish()
    return queued, receipt


async def _try_others_first(
    transaction: TaskTransaction, task: Task, participant_id: str, reason: ReasonCode
) -> None:
    """Remember who failed the task; it is not left out: where nobody else is, it tries again."""
    before = await _known(transaction, task, participant_id)
    tries = before.tries if before is not None else 1
    because = f"it failed this task before ({reason.value.replace('_', ' ')})"
    entry = Exclusion(task.task_id, participant_id, reason.value, because=because, tries=tries)
    await transaction.unit.exclude(replace(entry, excluded_until=transaction.now))


async def _known(transaction: TaskTransaction, task: Task, participant_id: str) -> Exclusion | None:
    """What is remembered about the participant and the task."""
    for one in await transaction.unit.exclusions(task.task_id):
        if one.participant_id == participant_id and not one.scope:
            return one
    return None


async def _exclude(
    transaction: TaskTransaction, task: Task, participant_id: str, reason: ReasonCode
) -> None:
    """Do not ask the participant for this task for a while, longer each time."""
    before = await _known(transaction, task, participant_id)
    tries = before.tries + 1 if before is not None else 1
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
