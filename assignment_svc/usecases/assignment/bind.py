"""The bind: binding, epoch, directive and audit event in one commit, every guard asked again."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from assignment_svc.domain.discovery import Alternative, Evaluation
from assignment_svc.domain.lifecycle import task_step
from assignment_svc.domain.predicates import CandidateLost, StaleRead
from assignment_svc.domain.states import Actor
from assignment_svc.domain.task import Task, TaskObligation
from assignment_svc.usecases.assignment.assigned import Assigned
from assignment_svc.usecases.steps.documents import bound_detail, gate_document
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.directives import DirectiveAction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.verdict import Effect, Verdict


@dataclass(frozen=True, slots=True)
class BindRequest:
    """A task as it was seen, what was judged about one candidate, and the others."""

    task: Task
    evaluation: Evaluation
    alternatives: tuple[Alternative, ...] = ()


class BindTask:
    """Binds one judged candidate, or finds that something changed."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, bind: BindRequest) -> Assigned:
        """Bind. Raises `StaleRead` where task, gate or time moved on, `CandidateLost`."""
        evaluation = replace(bind.evaluation, alternatives=bind.alternatives)
        if evaluation.verdict.effect is not Effect.ALLOW:
            raise CandidateLost("policy_allows", evaluation.verdict.explanation)
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(bind.task.task_id)
            unchanged(bind.task, task)
            status = task_step(task.status, task.parked_for, "assign", Actor.ENGINE)
            await transaction.lock_gates([evaluation.standing.participant_id])
            transaction.rely(evaluation)
            transaction.admit(evaluation.standing, degraded_allowed=task.spec.degraded_allowed)
            gained = await transaction.gain(
                task, evaluation.standing, decision=evaluation.verdict, by="assign"
            )
            bound = replace(
                gained,
                status=status,
                parked=None,
                reason="",
                start_due_at=transaction.now + task.spec.start_timeout,
                obligations=owed(task.obligations, evaluation.verdict),
            )
            approval_id = task.parked.approval_id if task.parked else ""
            created = _created(transaction, bound, evaluation, approval_id)
            saved, receipt = await transaction.record(task, bound, created)
            await unit.save_task(saved)
            await transaction.direct(DirectiveAction.START_TASK, saved.owner_id, saved)
            await transaction.finish()
            result = _assigned(saved, evaluation, receipt)
            await unit.remember(result)
        return result


def unchanged(seen: Task, locked: Task) -> None:
    """Raise `StaleRead` where the task moved on while peers were asked."""
    same = (
        seen.status is locked.status
        and seen.epoch == locked.epoch
        and seen.parked == locked.parked
        and seen.handoff_id == locked.handoff_id
    )
    if not same:
        raise StaleRead


def owed(known: Iterable[TaskObligation], verdict: Verdict) -> tuple[TaskObligation, ...]:
    """The task's obligations with those of another decision; what is known stays as it is."""
    by_id = {obligation.id: obligation for obligation in known}
    for asked in verdict.obligations:
        new = TaskObligation(asked.id, asked.text, asked.due, verdict.decision_id)
        by_id.setdefault(asked.id, new)
    return tuple(by_id.values())


def _created(
    transaction: TaskTransaction, task: Task, evaluation: Evaluation, approval_id: str
) -> EventFields:
    """Table 5, *task assigned*: task, selected participant, score, decision, alternatives."""
    binding = task.binding
    if binding is None:
        raise LookupError(f"{task.task_id} was bound a moment ago and is not")
    return EventFields(
        AuditEventType.ASSIGNMENT_CREATED,
        reason=ReasonCode.APPROVAL_GRANTED if approval_id else ReasonCode.NONE,
        participant=binding.participant_id,
        verdict=evaluation.verdict,
        detail={
            **bound_detail(binding, evaluation, transaction.monotonic),
            "gate": gate_document(transaction.gate(binding.participant_id)),
            "approval_id": approval_id,
        },
    )


def _assigned(task: Task, evaluation: Evaluation, receipt: Receipt) -> Assigned:
    return Assigned(
        task=task,
        participant_id=evaluation.standing.participant_id,
        receipt=receipt,
        decision_id=evaluation.verdict.decision_id,
        explanation=evaluation.verdict.explanation,
        assignment_id=task.binding.assignment_id if task.binding else "",
        score=evaluation.score,
        alternatives=evaluation.alternatives,
    )
