"""Ends tasks: in one commit with their open handoff aborted and their children cancelled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assignment_svc.domain import task_transitions
from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.lifecycle import TaskVerb
from assignment_svc.domain.obligations import UsedApproval
from assignment_svc.domain.predicates import seats_of
from assignment_svc.domain.states import Actor
from assignment_svc.domain.task import Task
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
    """One way to end; ``initiator`` ends the task itself and gets no directive to stop."""

    verb: TaskVerb
    actor: Actor
    type: AuditEventType
    reason: ReasonCode = ReasonCode.NONE
    why: str = ""
    initiator: str = ""
    verdict: Verdict | None = None
    result_hash: str = ""
    used: UsedApproval | None = None
    detail: JsonObject = field(default_factory=lambda: EMPTY_OBJECT)


PARENT_ENDED = Ending(
    TaskVerb.CANCEL,
    Actor.ENGINE,
    AuditEventType.TASK_CANCELLED,
    reason=ReasonCode.PARENT_ENDED,
    why="its parent ended",
)


async def lock_for_end(
    transaction: TaskTransaction, task_id: str
) -> tuple[tuple[Task, ...], dict[str, Handoff]]:
    """Lock a task, its attached open descendants, then every gate that their ends touch.

    Raises `NotFound`.
    """
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
    """End the first of ``family`` and cancel the others; all are locked, and their gates.

    Raises `IllegalTransition`.
    """
    task, *descendants = family
    ended = await _end_one(transaction, task, handoffs.get(task.task_id), ending)
    for child in descendants:
        await _end_one(transaction, child, handoffs.get(child.task_id), PARENT_ENDED)
    return ended


async def _end_one(
    transaction: TaskTransaction, task: Task, handoff: Handoff | None, ending: Ending
) -> tuple[Task, Receipt]:
    task_transitions.step(task, ending.verb, ending.actor)  # before anything else is written
    if handoff is not None:
        task = await _abort(transaction, task, handoff, ending)
    if task.owner_id:
        await _stop_owner(transaction, task, ending)
    await withdraw_questions(transaction, task.task_id)
    after = task_transitions.ended(
        task,
        ending.verb,
        ending.actor,
        reason=ending.reason,
        result_hash=ending.result_hash,
    )
    after = task_transitions.explained(after, ending.why)
    ended, receipt = await transaction.save(task, after, _fields(task, ending))
    return ended, receipt


async def _stop_owner(transaction: TaskTransaction, task: Task, ending: Ending) -> None:
    """Give the owner's seat back, and have it stop where it does not end the task itself."""
    transaction.release(task.owner_id)
    if task.owner_id != ending.initiator:
        facts = {"reason": ending.reason.value or ending.verb.value}
        await transaction.direct(DirectiveAction.STOP_TASK, task.owner_id, task, facts=facts)


async def _abort(
    transaction: TaskTransaction, task: Task, handoff: Handoff, ending: Ending
) -> Task:
    abort = HandoffAbort(ReasonCode.TASK_ENDED, f"the task ended ({ending.verb})")
    task, aborted, _ = await abort_handoff(transaction, task, handoff, abort)
    if handoff.source_seated:
        await stop_source(transaction, task, aborted, ReasonCode.TASK_ENDED.value)
    return task


def _fields(task: Task, ending: Ending) -> EventFields:
    return EventFields(
        ending.type,
        reason=ending.reason,
        participant=task.owner_id,
        verdict=ending.verdict,
        outputs=(ending.result_hash,) if ending.result_hash else (),
        detail={"why": ending.why, "attempt": task.attempt, **ending.detail},
        verb=ending.verb,
        used=ending.used,
    )
