"""Parking: a human is asked first; the task waits with the question and takes no seat."""

from dataclasses import dataclass, replace

from assignment_svc.domain.approval import ApprovalAnswer
from assignment_svc.domain.lifecycle import task_step
from assignment_svc.domain.predicates import CandidateLost, StaleRead, admitted
from assignment_svc.domain.states import Actor, ApprovalState, ParkedAction, TaskStatus
from assignment_svc.domain.task import Parked, Task
from assignment_svc.usecases.assignment.assigned import Assigned
from assignment_svc.usecases.assignment.bind import BindRequest, unchanged
from assignment_svc.usecases.steps.approval_requests import (
    ApprovalSubject,
    ask_human,
    decided_about,
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
    """Asks a human about one candidate and parks the task; from PENDING, or anew when parked."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, request: ParkRequest) -> Assigned:
        """Park. Raises `StaleRead` where the answer is known already, `CandidateLost`."""
        task, verdict = request.bind.task, request.bind.evaluation.verdict
        known = await decided_about(self._ports, call, task.task_id, request.subject)
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
        """A human has spoken already: the next look has it in the question to policy."""
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(request.bind.task.task_id)
            await remember_question(transaction, task, request.subject, answer)

    async def _withdraw(self, call: Call, answer: ApprovalAnswer) -> None:
        """Nothing waits for the question that was just asked, unless somebody else parked it."""
        async with self._ports.units.reading(call) as unit:
            known = await unit.find_approval(answer.approval_id)
        if known is None:
            reason = ReasonCode.SUBJECT_GONE.value
            await self._ports.approvals.cancel(call, answer.approval_id, reason)

    async def _write(self, call: Call, request: ParkRequest, answer: ApprovalAnswer) -> Assigned:
        evaluation, subject = request.bind.evaluation, request.subject
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(request.bind.task.task_id)
            unchanged(request.bind.task, task)
            await transaction.lock_gates([subject.target])
            # No seat is taken for days: a free one is looked for again when the yes is used.
            gate = transaction.gate(subject.target)
            admitted(gate, evaluation.standing, degraded_allowed=task.spec.degraded_allowed)
            transaction.put_gate(gate.brought_up(evaluation.standing))
            parked = Parked(ParkedAction.ASSIGN, answer.approval_id, subject.hash, subject.target)
            await self._leave_old_question(transaction, task, answer)
            saved, receipt = await transaction.record(
                task, _parked(task, parked), _event(request, answer)
            )
            await remember_question(transaction, task, subject, answer)
            await unit.save_task(saved)
            await transaction.finish()
            result = _answer(saved, request, receipt)
            await unit.remember(result)
        return result

    async def _leave_old_question(
        self, transaction: TaskTransaction, task: Task, answer: ApprovalAnswer
    ) -> None:
        if task.parked is not None and task.parked.approval_id != answer.approval_id:
            await withdraw_question(transaction, task.parked.approval_id)


def _parked(task: Task, parked: Parked) -> Task:
    verb = "ask_again" if task.status is TaskStatus.AWAITING_APPROVAL else "ask_human"
    status = task_step(task.status, task.parked_for, verb, Actor.ENGINE)
    reason = ReasonCode.APPROVAL_REQUIRED.value
    return replace(task, status=status, parked=parked, next_try_at=None, reason=reason)


def _event(request: ParkRequest, answer: ApprovalAnswer) -> EventFields:
    evaluation = request.bind.evaluation
    return EventFields(
        AuditEventType.TASK_PARKED,
        reason=ReasonCode.APPROVAL_REQUIRED,
        participant=request.subject.target,
        verdict=evaluation.verdict,
        inputs=(request.subject.hash,),
        detail={
            "action": request.subject.action,
            "subject_hash": request.subject.hash,
            "approval_id": answer.approval_id,
            "target": request.subject.target,
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
