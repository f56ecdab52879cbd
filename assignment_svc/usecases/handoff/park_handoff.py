"""Parks a handoff while a human is asked about its target; the task itself goes on."""

from assignment_svc.domain import handoff_transitions
from assignment_svc.domain.approval import REFUSAL_REASONS, ApprovalAnswer
from assignment_svc.domain.handoff import Handoff, ParkedHandoff
from assignment_svc.domain.predicates import CandidateLost, StaleRead
from assignment_svc.domain.states import ApprovalState, HandoffStatus
from assignment_svc.domain.task import Task
from assignment_svc.usecases.handoff.evaluate_target import TargetEvaluation
from assignment_svc.usecases.steps.approval_requests import ask_human, remember_question
from assignment_svc.usecases.steps.migration import handed_over
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.principal import Call


class ParkHandoff:
    """Asks a human about one target."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(
        self, call: Call, task: Task, handoff: Handoff, target: TargetEvaluation
    ) -> None:
        """Park.

        Raises `StaleRead` where the handoff moved on or a human has decided already,
        `CandidateLost` after a no, and `Unavailable`.
        """
        asked = (target.verdict, list(target.known))
        answer = await ask_human(self._ports, call, task, target.subject, asked)
        if answer.state in REFUSAL_REASONS:
            raise CandidateLost("policy_allows", f"a human said no ({answer.approval_id})")
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            current = await unit.lock_task(task.task_id)
            found = await unit.find_handoff(handoff.handoff_id)
            if found is None or found.status is not HandoffStatus.INITIATED:
                raise StaleRead
            await remember_question(transaction, current, target.subject, answer)
            if answer.state is ApprovalState.PENDING:
                await self._write(transaction, current, found, (target, answer))
        if answer.state is not ApprovalState.PENDING:
            raise StaleRead  # the next round asks policy with the decision

    async def _write(
        self,
        transaction: TaskTransaction,
        task: Task,
        handoff: Handoff,
        asked: tuple[TargetEvaluation, ApprovalAnswer],
    ) -> None:
        target, answer = asked
        question = ParkedHandoff(answer.approval_id, answer.subject_hash, target.subject.target)
        fields = EventFields(
            AuditEventType.HANDOFF_PARKED,
            reason=ReasonCode.APPROVAL_REQUIRED,
            participant=question.target,
            verdict=target.verdict,
            inputs=(question.subject_hash,),
            detail={
                **handed_over(task, handoff),
                "target": question.target,
                "subject_hash": question.subject_hash,
                "approval_id": question.approval_id,
            },
        )
        parked = handoff_transitions.parked(handoff, question)
        saved, _, _ = await transaction.record_handoff((task, task), (handoff, parked), fields)
        await transaction.unit.save_task(saved)
