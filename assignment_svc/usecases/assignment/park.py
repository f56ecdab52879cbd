"""Parking: a human is asked first; the task waits with the question and takes no seat."""

from dataclasses import dataclass, replace

from assignment_svc.domain.approval import ApprovalAnswer
from assignment_svc.domain.lifecycle import task_step
from assignment_svc.domain.predicates import CandidateLost, StaleRead, admitted
from assignment_svc.domain.states import Actor, ApprovalState, ParkedAction, TaskStatus
from assignment_svc.domain.task import Parked, Task
from assignment_svc.usecases.assignment.assigned import Assigned
from assignment_svc.usecases.assignment.bind import Bind, unchanged
from assignment_svc.usecases.steps.approval_requests import (
    Matter,
    ask_human,
    decided_about,
    remember_question,
    withdraw_question,
)
from assignment_svc.usecases.steps.documents import alternative_documents, score_document
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import Act, Telling
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Parking:
    """An assignment for which policy wants a human, and what the human is shown."""

    bind: Bind
    matter: Matter


class ParkAssignment:
    """Asks a human about one candidate and parks the task; from PENDING, or anew when parked."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, parking: Parking) -> Assigned:
        """Park. Raises `StaleRead` where the answer is known already, `CandidateLost`."""
        task, verdict = parking.bind.task, parking.bind.judged.verdict
        known = await decided_about(self._ports, call, task.task_id, parking.matter)
        answer = await ask_human(self._ports, call, task, parking.matter, (verdict, known))
        if answer.state is ApprovalState.CANCELLED:
            raise CandidateLost("policy_allows", "the question to a human was withdrawn")
        if answer.state is not ApprovalState.PENDING:
            await self._remember(call, parking, answer)
            raise StaleRead
        try:
            return await self._write(call, parking, answer)
        except (StaleRead, CandidateLost):
            await self._withdraw(call, answer)
            raise

    async def _remember(self, call: Call, parking: Parking, answer: ApprovalAnswer) -> None:
        """A human has spoken already: the next look has it in the question to policy."""
        async with self._ports.units(call) as unit:
            act = Act(unit, self._ports)
            task = await unit.lock_task(parking.bind.task.task_id)
            await remember_question(act, task, parking.matter, answer)

    async def _withdraw(self, call: Call, answer: ApprovalAnswer) -> None:
        """Nothing waits for the question that was just asked, unless somebody else parked it."""
        async with self._ports.units.reading(call) as unit:
            known = await unit.find_approval(answer.approval_id)
        if known is None:
            reason = ReasonCode.SUBJECT_GONE.value
            await self._ports.approvals.cancel(call, answer.approval_id, reason)

    async def _write(self, call: Call, parking: Parking, answer: ApprovalAnswer) -> Assigned:
        judged, matter = parking.bind.judged, parking.matter
        async with self._ports.units(call) as unit:
            act = Act(unit, self._ports)
            task = await unit.lock_task(parking.bind.task.task_id)
            unchanged(parking.bind.task, task)
            await act.lock_gates([matter.target])
            # No seat is taken for days: a free one is looked for again when the yes is used.
            gate = act.gate(matter.target)
            admitted(gate, judged.standing, degraded_allowed=task.spec.degraded_allowed)
            act.put_gate(gate.brought_up(judged.standing))
            parked = Parked(
                ParkedAction.ASSIGN, answer.approval_id, matter.subject_hash, matter.target
            )
            await self._leave_old_question(act, task, answer)
            told, receipt = await act.tell(task, _parked(task, parked), _told(parking, answer))
            await remember_question(act, task, matter, answer)
            await unit.save_task(told)
            await act.finish()
            result = _answer(told, parking, receipt)
            await unit.remember(result)
        return result

    async def _leave_old_question(self, act: Act, task: Task, answer: ApprovalAnswer) -> None:
        if task.parked is not None and task.parked.approval_id != answer.approval_id:
            await withdraw_question(act, task.parked.approval_id)


def _parked(task: Task, parked: Parked) -> Task:
    verb = "ask_again" if task.status is TaskStatus.AWAITING_APPROVAL else "ask_human"
    status = task_step(task.status, task.parked_for, verb, Actor.ENGINE)
    reason = ReasonCode.APPROVAL_REQUIRED.value
    return replace(task, status=status, parked=parked, next_try_at=None, reason=reason)


def _told(parking: Parking, answer: ApprovalAnswer) -> Telling:
    judged = parking.bind.judged
    return Telling(
        AuditEventType.TASK_PARKED,
        reason=ReasonCode.APPROVAL_REQUIRED,
        participant=parking.matter.target,
        verdict=judged.verdict,
        inputs=(parking.matter.subject_hash,),
        detail={
            "action": parking.matter.action,
            "subject_hash": parking.matter.subject_hash,
            "approval_id": answer.approval_id,
            "target": parking.matter.target,
            "score": score_document(judged.score),
            "alternatives": alternative_documents(parking.bind.alternatives),
        },
    )


def _answer(task: Task, parking: Parking, receipt: Receipt) -> Assigned:
    judged = parking.bind.judged
    return Assigned(
        task=task,
        participant_id=parking.matter.target,
        receipt=receipt,
        decision_id=judged.verdict.decision_id,
        explanation=f"A human is asked first: {judged.verdict.explanation}",
        parked=True,
        score=judged.score,
        alternatives=parking.bind.alternatives,
    )
