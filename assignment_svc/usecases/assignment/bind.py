"""Binds a task: binding, epoch, directive and event in one commit, every guard asked again."""

from dataclasses import dataclass, replace

from assignment_svc.domain.approval import ASSIGN
from assignment_svc.domain.discovery import Alternative, Evaluation
from assignment_svc.domain.lifecycle import TaskVerb
from assignment_svc.domain.obligations import UsedApproval
from assignment_svc.domain.predicates import CandidateLost, unchanged
from assignment_svc.domain.task import Binding, Task
from assignment_svc.domain.task_transitions import assigned
from assignment_svc.usecases.assignment.assigned import Assigned
from assignment_svc.usecases.steps.documents import bound_detail, gate_document
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.directives import DirectiveAction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Effect


@dataclass(frozen=True, slots=True)
class BindRequest:
    """A task as it was read, the evaluation of one candidate, and the other candidates."""

    task: Task
    evaluation: Evaluation
    alternatives: tuple[Alternative, ...] = ()


class BindTask:
    """Binds one evaluated candidate, or finds that something has changed."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, request: BindRequest) -> Assigned:
        """Bind. Raises `StaleRead` where task, gate or time moved on, and `CandidateLost`."""
        evaluation = replace(request.evaluation, alternatives=request.alternatives)
        standing, verdict = evaluation.standing, evaluation.verdict
        if verdict.effect is not Effect.ALLOW:
            raise CandidateLost("policy_allows", verdict.explanation)
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(request.task.task_id)
            unchanged(request.task, task)
            await transaction.lock_gates([standing.participant_id])
            transaction.rely_on(evaluation)
            await transaction.admit(standing, task)
            binding = transaction.binding(task, standing, verdict)
            approval_id = task.parked.approval_id if task.parked else ""
            bound, receipt = await transaction.save(
                task,
                assigned(task, binding, verdict),
                _created(transaction, binding, evaluation, approval_id),
            )
            await transaction.direct(DirectiveAction.START_TASK, binding.participant_id, bound)
            await transaction.finish()
            result = Assigned(
                task=bound,
                participant_id=binding.participant_id,
                receipt=receipt,
                decision_id=verdict.decision_id,
                explanation=verdict.explanation,
                assignment_id=binding.assignment_id,
                score=evaluation.score,
                alternatives=evaluation.alternatives,
            )
            await unit.remember(result)
        return result


def _created(
    transaction: TaskTransaction, binding: Binding, evaluation: Evaluation, approval_id: str
) -> EventFields:
    """Table 5, *task assigned*: task, selected participant, score, decision, alternatives."""
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
        verb=TaskVerb.ASSIGN,
        used=UsedApproval(ASSIGN, approval_id) if approval_id else None,
    )
