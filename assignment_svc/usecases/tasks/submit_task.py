"""Submits a task: by a submitter, or as the child of a task by its assignee."""

import json
from dataclasses import dataclass
from datetime import timedelta

from assignment_svc.domain.declaration import (
    Submission,
    TaskDeclaration,
    same_task,
    submission,
)
from assignment_svc.domain.ports import Unit
from assignment_svc.domain.predicates import fenced
from assignment_svc.domain.rows import IdTaken
from assignment_svc.domain.states import Actor
from assignment_svc.domain.task import Task
from assignment_svc.domain.task_transitions import left_to_submitter, submission_recorded, submitted
from assignment_svc.usecases.steps.documents import (
    denial_detail,
    parent_document,
    policy_spec,
    task_document,
)
from assignment_svc.usecases.steps.permissions import refusals_audited
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.errors import (
    AlreadyExists,
    FieldInvalid,
    NotFound,
    PolicyDenied,
    QuotaExceeded,
    Violation,
)
from phoenix_runtime.core.events import AuditDraft, AuditEventType, ReasonCode
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.policy_inputs.bounded import content_input
from phoenix_runtime.core.principal import Call, Role
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Verdict

OTHERS_WAIT = timedelta(seconds=10)
"""How long the queue leaves a task to its submitter, which is assigning it right now."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The task as it was written; ``created`` is False where it was there already."""

    task: Task
    receipt: Receipt
    created: bool = True


class SubmitTask:
    """Creates a task (policy `task.submit`); the same task again answers the same."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(
        self, call: Call, declared: TaskDeclaration, *, here: bool = False
    ) -> Submitted:
        """Submit ``declared``.

        ``here`` is True where this is the first half of AssignTask: its answer is another, and the
        queue leaves the task to it for a while.
        Raises `FieldInvalid`, `TooLarge`, `AlreadyExists`, `PolicyDenied`, `NotFound` (parent),
        `StaleAssignment` (a zombie has no children), `QuotaExceeded`, `IllegalTransition`.
        """
        wanted = submission(declared, self._ports.new_id)
        async with refusals_audited(self._ports, call, "SubmitTask"):
            for _ in range(2):
                known, parent = await self._known(call, wanted, named=bool(declared.task_id))
                if known is not None:
                    return _again(known, wanted)
                verdict = await self._evaluate(call, wanted, parent)
                try:
                    return await self._write(call, wanted, verdict, here=here)
                except IdTaken:
                    continue  # its task is there now
        raise AlreadyExists("task", wanted.spec.task_id)

    async def _known(
        self, call: Call, wanted: Submission, *, named: bool
    ) -> tuple[Task | None, Task | None]:
        """The task itself where it exists already, and its parent, both unlocked.

        A task that its caller has not ``named`` has an id that was made just now: nobody has it.
        """
        spec = wanted.spec
        if not named and not spec.parent_task_id:
            return None, None
        async with self._ports.units.reading(call) as unit:
            known = await unit.find_task(spec.task_id) if named else None
            if known is not None or not spec.parent_task_id:
                return known, None
            parent = await unit.find_task(spec.parent_task_id)
        if parent is None:
            raise NotFound("task", spec.parent_task_id)
        # Before policy is asked: a zombie has to learn that its epoch is old, not of a denial.
        fenced(parent, participant_id=call.principal.participant, epoch=wanted.parent_epoch)
        return None, parent

    async def _evaluate(self, call: Call, wanted: Submission, parent: Task | None) -> Verdict:
        document = policy_spec(wanted.spec, call.principal.participant or call.actor)
        shown, hidden = content_input(json.loads(wanted.input.content), "task", "input")
        question: dict[str, Json] = {
            "task": {**document, "input": shown},
            "parent": parent_document(parent) if parent is not None else None,
            **hidden,
        }
        (verdict,) = await self._ports.policy.evaluate(call, DecisionPoint.SUBMIT, [question])
        if verdict.effect is not Effect.ALLOW:
            await self._deny(call, wanted, verdict)
            raise PolicyDenied(verdict)
        return verdict

    async def _deny(self, call: Call, wanted: Submission, verdict: Verdict) -> None:
        """A refusal without a row is an aggregate of its own."""
        refusal = self._ports.new_id("submission")
        async with self._ports.units(call) as unit:
            await unit.audit(
                AuditDraft(
                    type=AuditEventType.SUBMISSION_DENIED,
                    aggregate=f"submission/{refusal}",
                    aggregate_version=1,
                    participant=call.principal.participant,
                    task=wanted.spec.task_id,
                    reason_code=ReasonCode.POLICY_DENIED,
                    verdict=verdict,
                    detail=denial_detail(
                        verdict, task=task_document(wanted.spec, call.principal.subject)
                    ),
                )
            )

    async def _write(
        self, call: Call, wanted: Submission, verdict: Verdict, *, here: bool
    ) -> Submitted:
        ports = self._ports
        async with ports.units(call) as unit:
            transaction = TaskTransaction(unit, ports)
            parent = await _locked_parent(unit, call, wanted, ports)
            task = _new_task(transaction, call, wanted, parent)
            if here:
                task = left_to_submitter(task, transaction.now + OTHERS_WAIT)
            task, receipt = await transaction.record(None, task, _submitted(task, wanted, verdict))
            task = submission_recorded(task, receipt.audit_event_id)
            await unit.add_task(task, wanted.input)
            result = Submitted(task, receipt)
            if not here:
                await unit.remember(result)
        return result


async def _locked_parent(unit: Unit, call: Call, wanted: Submission, ports: Ports) -> Task | None:
    """The parent under its lock, its assignee's epoch checked: a zombie has no children."""
    spec = wanted.spec
    if not spec.parent_task_id:
        return None
    parent = await unit.lock_task(spec.parent_task_id)
    fenced(parent, participant_id=call.principal.participant, epoch=wanted.parent_epoch)
    if parent.depth + 1 > ports.rules.depth:
        raise QuotaExceeded("A task has too many ancestors", {"limit": ports.rules.depth})
    if len(await unit.open_children(parent.task_id)) >= ports.rules.children:
        raise QuotaExceeded("A task has too many open children", {"limit": ports.rules.children})
    return parent


def _new_task(
    transaction: TaskTransaction, call: Call, wanted: Submission, parent: Task | None
) -> Task:
    spec = wanted.spec
    if spec.deadline_at is not None and spec.deadline_at <= transaction.now:
        raise FieldInvalid([Violation("task.deadline", "is over already")])
    actor = Actor.ASSIGNEE if parent is not None else _actor(call)
    task = Task(
        spec=spec,
        submitter=call.actor,
        submitter_participant_id=call.principal.participant,
        correlation_id=parent.correlation_id if parent else transaction.new_id("audit.corr"),
        submitted_at=transaction.now,
        updated_at=transaction.now,
        depth=parent.depth + 1 if parent else 0,
    )
    return submitted(task, actor)


def _actor(call: Call) -> Actor:
    return Actor.OPERATOR if call.principal.has(Role.OPERATOR) else Actor.SUBMITTER


def _submitted(task: Task, wanted: Submission, verdict: Verdict) -> EventFields:
    return EventFields(
        AuditEventType.TASK_SUBMITTED,
        participant=task.submitter_participant_id,
        verdict=verdict,
        inputs=(wanted.input.hash,),
        detail={
            "task": task_document(task.spec, task.submitter),
            "priority": task.spec.priority,
            "parent_epoch": wanted.parent_epoch,
            "depth": task.depth,
            "max_losses": task.spec.max_losses,
        },
    )


def _again(known: Task, wanted: Submission) -> Submitted:
    """The same task submitted again; raises `AlreadyExists` where it differs."""
    if not same_task(known.spec, wanted.spec):
        raise AlreadyExists("task", known.task_id)
    return Submitted(known, Receipt(known.submit_event_id, known.correlation_id, 1), created=False)
