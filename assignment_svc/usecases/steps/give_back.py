"""ASSIGNED or ACTIVE → PENDING: declined, not started in time, or tried again elsewhere."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from assignment_svc.domain.lifecycle import task_step
from assignment_svc.domain.predicates import seats_of
from assignment_svc.domain.states import Actor, AssignmentIntent
from assignment_svc.domain.task import Exclusion, Task
from assignment_svc.usecases.steps.migration import Abort, abort_handoff
from assignment_svc.usecases.steps.transaction import Act, Telling
from phoenix_runtime.core.directives import DirectiveAction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.json import EMPTY_OBJECT, JsonObject
from phoenix_runtime.core.receipt import Receipt


@dataclass(frozen=True, slots=True)
class GiveBack:
    """How a task comes back. ``excluded`` where its owner is not asked again for a while."""

    verb: str
    actor: Actor
    type: AuditEventType
    reason: ReasonCode
    why: str = ""
    excluded: bool = False
    detail: JsonObject = field(default_factory=lambda: EMPTY_OBJECT)


async def give_back(act: Act, task: Task, how: GiveBack) -> tuple[Task, Receipt]:
    """Burn the epoch, release the seat, queue the task again; its context is kept.

    The task is locked, its gates are not yet. Finishes the act.
    """
    status = task_step(task.status, task.parked_for, how.verb, how.actor)
    owner = task.owner_id
    handoff = (await act.unit.open_handoffs([task.task_id])).get(task.task_id)
    await act.lock_gates(seats_of(task, handoff))
    before = task
    if handoff is not None:
        abort = Abort(how.reason, f"its source gave the task back ({how.verb})")
        before, _, _ = await abort_handoff(act, task, handoff, abort)
    act.release(owner)
    epoch = task.epoch
    if how.actor is not Actor.ASSIGNEE:
        facts = {"reason": how.reason.value}
        await act.direct(DirectiveAction.STOP_TASK, owner, task, facts=facts)
    lost = await act.lose(before, by=how.verb)
    if how.excluded:
        await _leave_out(act, task, owner, how.reason)
    told, receipt = await act.tell(
        before,
        replace(lost, status=status, reason=how.reason.value, next_try_at=_next_try(act, task)),
        Telling(
            how.type,
            reason=how.reason,
            participant=owner,
            detail={"epoch": epoch, "attempt": task.attempt, "why": how.why, **how.detail},
        ),
    )
    await act.unit.save_task(told)
    await act.finish()
    return told, receipt


def _next_try(act: Act, task: Task) -> datetime | None:
    """At once where the engine looks by itself; somebody else may take it."""
    return act.now if task.spec.intent is AssignmentIntent.AUTOMATIC else None


async def _leave_out(act: Act, task: Task, participant_id: str, reason: ReasonCode) -> None:
    """Not asked for this task again before a while, longer each time."""
    before = [
        one
        for one in await act.unit.exclusions(task.task_id)
        if one.participant_id == participant_id and not one.scope
    ]
    tries = before[0].tries + 1 if before else 1
    until = act.rules.exclusion.after(act.now, tries)
    because = f"it {reason.value.replace('_', ' ')} before; asked again at {until:%H:%M:%S}"
    await act.unit.exclude(
        Exclusion(
            task.task_id,
            participant_id,
            reason.value,
            because=because,
            tries=tries,
            excluded_until=until,
        )
    )
