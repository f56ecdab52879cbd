"""How tasks end: in one commit with their open handoff aborted and their children cancelled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.lifecycle import task_step
from assignment_svc.domain.predicates import seats_of
from assignment_svc.domain.states import Actor, TaskStatus
from assignment_svc.domain.task import Binding, Task
from assignment_svc.usecases.steps.approval_requests import withdraw_questions
from assignment_svc.usecases.steps.migration import HandoffAbort, abort_handoff, stop_source
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.directives import DirectiveAction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.json import EMPTY_OBJECT, JsonObject
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Ending:
    """One way to end. ``saved`` is the participant that ends it itself and need not be told."""

    verb: str
    actor: Actor
    type: AuditEventType
    reason: ReasonCode = ReasonCode.NONE
    why: str = ""
    initiator: str = ""
    verdict: Verdict | None = None
    result_hash: str = ""
    detail: JsonObject = field(default_factory=lambda: EMPTY_OBJECT)


PARENT_ENDED = Ending(
    "cancel",
    Actor.ENGINE,
    AuditEventType.TASK_CANCELLED,
    reason=ReasonCode.PARENT_ENDED,
    why="its parent ended",
)


async def lock_for_end(
    transaction: TaskTransaction, task_id: str
) -> tuple[tuple[Task, ...], dict[str, Handoff]]:
    """Lock a task, its attached open descendants, then every gate that their ends touch."""
    family = await transaction.unit.lock_family(task_id)
    handoffs = await transaction.unit.open_handoffs([task.task_id for task in family])
    seats = [seats_of(task, handoffs.get(task.task_id)) for task in family]
    await transaction.lock_gates(set().union(*seats))
    return family, handoffs


async def end(
    transaction: TaskTransaction,
    family: Sequence[Task],
    handoffs: Mapping[str, Handoff],
    ending: Ending,
) -> tuple[Task, Receipt]:
    """End the first of ``family`` and cancel the others; all are locked, and their gates."""
    task, *descendants = family
    ended = await _end_one(transaction, task, handoffs.get(task.task_id), ending)
    for child in descendants:
        await _end_one(transaction, child, handoffs.get(child.task_id), PARENT_ENDED)
    return ended


async def _end_one(
    transaction: TaskTransaction, task: Task, handoff: Handoff | None, ending: Ending
) -> tuple[Task, Receipt]:
    status = task_step(task.status, task.parked_for, ending.verb, ending.actor)
    before = task
    if handoff is not None:
        before = task = await _abort(transaction, task, handoff, ending)
    owner = task.binding
    if owner is not None:
        transaction.release(owner.participant_id)
        if owner.participant_id != ending.initiator:
            facts = {"reason": ending.reason.value or ending.verb}
            await transaction.direct(
                DirectiveAction.STOP_TASK, owner.participant_id, task, facts=facts
            )
        task = await transaction.lose(task, by=ending.verb)
    await withdraw_questions(transaction, task.task_id)
    ended, receipt = await transaction.record(
        before, _ended(task, ending, status), _event(task, ending, owner)
    )
    await transaction.unit.save_task(ended)
    return ended, receipt


async def _abort(
    transaction: TaskTransaction, task: Task, handoff: Handoff, ending: Ending
) -> Task:
    abort = HandoffAbort(ReasonCode.TASK_ENDED, f"the task ended ({ending.verb})")
    task, aborted, _ = await abort_handoff(transaction, task, handoff, abort)
    if handoff.source_seated:
        await stop_source(transaction, task, aborted, ReasonCode.TASK_ENDED.value)
    return task


def _ended(task: Task, ending: Ending, status: TaskStatus) -> Task:
    return replace(
        task,
        status=status,
        parked=None,
        handoff_id="",
        next_try_at=None,
        start_due_at=None,
        attempt_due_at=None,
        resume_due_at=None,
        reason=ending.reason.value,
        result_hash=ending.result_hash or task.result_hash,
    )


def _event(task: Task, ending: Ending, owner: Binding | None) -> EventFields:
    result = ending.result_hash
    return EventFields(
        ending.type,
        reason=ending.reason,
        participant=owner.participant_id if owner else "",
        verdict=ending.verdict,
        outputs=(result,) if result else (),
        detail={"why": ending.why, "attempt": task.attempt, **ending.detail},
    )
