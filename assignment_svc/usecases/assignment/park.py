"""Parks an assignment: a human is asked first; the task waits with the question and no seat."""

from dataclasses import dataclass

from assignment_svc.domain.approval import ApprovalAnswer, ApprovalSubject
from assignment_svc.domain.predicates import CandidateLost, StaleRead, admitted, unchanged
from assignment_svc.domain.states import ApprovalState, ParkedAction
from assignment_svc.domain.task import Parked, Task
from assignment_svc.domain.task_parking import parked_for_assignment
from assignment_svc.usecases.assignment.assigned import Assigned
from assignment_svc.usecases.assignment.bind import BindRequest
from assignment_svc.usecases.steps.approval_requests import (
    ask_human,
    current_approvals,
    remember_question,
    withdraw_question,
)
from assignment_svc.usecases.steps.documents import alternative_documents, score_document
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt


@dataclass(frozen=True, slots=True)
class ParkRequest:
    """An assignment for which policy wants a human, and what the human is shown."""

    bind: BindRequest
    subject: ApprovalSubject


class ParkAssignment:
    """Asks a human about one candidate and parks the task; a parked one is asked about anew."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, request: ParkRequest) -> Assigned:
        """Park.

        Raises `StaleRead` where a human has decided already or the task moved on, `CandidateLost`
        and `Unavailable`.
        """
        task, verdict = request.bind.task, request.bind.evaluation.verdict
        known = await current_approvals(self._ports, call, task.task_id, request.subject)
        answer = await ask_human(self._ports, call, task, request.subject, (verdict, known))
        if answer.state is ApprovalState.CANCELLED:
            raise CandidateLost("policy_allows", "the question to a human was withdrawn")
        if answer.state is not ApprovalState.PENDING:
            await self._remember(call, request, answer)
            raise StaleRead
        try:
            return await self._write(call, request, answer)
        except (StaleRead, CandidateLost):
            await self._withdraw(call, answer)
            raise

    async def _remember(self, call: Call, request: ParkRequest, answer: ApprovalAnswer) -> None:
        """Keep a decision that is there already: the next round asks policy with it."""
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(request.bind.task.task_id)
            await remember_question(transaction, task, request.subject, answer)

    async def _withdraw(self, call: Call, answer: ApprovalAnswer) -> None:
        """Cancel the question that was just asked, unless another call has parked the task."""
        async with self._ports.units.reading(call) as unit:
            known = await unit.find_approval(answer.approval_id)
        if known is None:
            reason = ReasonCode.SUBJECT_GONE.value
            await self._ports.approvals.cancel(call, answer.approval_id, reason)

    async def _write(self, call: Call, request: ParkRequest, answer: ApprovalAnswer) -> Assigned:
        subject, standing = request.subject, request.bind.evaluation.standing
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(request.bind.task.task_id)
            unchanged(request.bind.task, task)
            await transaction.lock_gates([subject.target])
            # No seat is taken for days: a free one is looked for again when the yes is used.
            gate = transaction.gate(subject.target)
            admitted(gate, standing, degraded_allowed=task.spec.degraded_allowed)
            transaction.put_gate(gate.brought_up(standing))
            await self._leave_old_question(transaction, task, answer)
            parked, receipt = await transaction.record(
                task,
                parked_for_assignment(task, _question(subject, answer)),
                _fields(request, answer),
            )
            await remember_question(transaction, task, subject, answer)
            await unit.save_task(parked)
            await transaction.finish()
            result = _answer(parked, request, receipt)
            await unit.remember(result)
        return result

    async def _leave_old_question(
        self, transaction: TaskTransaction, task: Task, answer: ApprovalAnswer
    ) -> None:
        if task.parked is not None and task.parked.approval_id != answer.approval_id:
            await withdraw_question(transaction, task.parked.approval_id)


def _question(subject: ApprovalSubject, answer: ApprovalAnswer) -> Parked:
    return Parked(ParkedAction.ASSIGN, answer.approval_id, subject.hash, subject.target)


def _fields(request: ParkRequest, answer: ApprovalAnswer) -> EventFields:
    subject, evaluation = request.subject, request.bind.evaluation
    return EventFields(
        AuditEventType.TASK_PARKED,
        reason=ReasonCode.APPROVAL_REQUIRED,
        participant=subject.target,
        verdict=evaluation.verdict,
        inputs=(subject.hash,),
        detail={
            "action": subject.action,
            "subject_hash": subject.hash,
            "approval_id": answer.approval_id,
            "target": subject.target,
            "score": score_document(evaluation.score),
            "alternatives": alternative_documents(request.bind.alternatives),
        },
    )


def _answer(task: Task, request: ParkRequest, receipt: Receipt) -> Assigned:
    evaluation = request.bind.evaluation
    return Assigned(
        task=task,
        participant_id=request.subject.target,
        receipt=receipt,
        decision_id=evaluation.verdict.decision_id,
        explanation=f"A human is asked first: {evaluation.verdict.explanation}",
        parked=True,
        score=evaluation.score,
        alternatives=request.bind.alternatives,
    )
