"""A handoff for whose target policy wants a human: parked, cleared or refused; the task goes on."""

from dataclasses import replace

from assignment_svc.domain.approval import Approval, ApprovalAnswer
from assignment_svc.domain.handoff import Handoff, ParkedHandoff
from assignment_svc.domain.lifecycle import HANDOFF
from assignment_svc.domain.predicates import CandidateLost, StaleRead
from assignment_svc.domain.states import Actor, ApprovalState, HandoffStatus
from assignment_svc.domain.task import Exclusion, Task
from assignment_svc.usecases.handoff.evaluate_target import TargetEvaluation
from assignment_svc.usecases.steps.approval_requests import ask_human, remember_question
from assignment_svc.usecases.steps.migration import handed_over
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.principal import Call

REFUSAL_REASONS = {
    ApprovalState.REJECTED: ReasonCode.APPROVAL_REFUSED,
    ApprovalState.EXPIRED: ReasonCode.APPROVAL_EXPIRED,
    ApprovalState.CANCELLED: ReasonCode.SUBJECT_GONE,
}


class ParkHandoff:
    """Asks a human about one target."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(
        self, call: Call, task: Task, handoff: Handoff, target: TargetEvaluation
    ) -> None:
        """Park. Raises `StaleRead` where the handoff moved on, `CandidateLost` after a no."""
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
            raise StaleRead  # a human has spoken already: the next look has it in its question

    async def _write(
        self,
        transaction: TaskTransaction,
        task: Task,
        handoff: Handoff,
        asked: tuple[TargetEvaluation, ApprovalAnswer],
    ) -> None:
        target, answer = asked
        status = HANDOFF.apply(handoff.status, "ask_human", Actor.ENGINE)
        question = ParkedHandoff(answer.approval_id, answer.subject_hash, target.subject.target)
        parked = replace(handoff, status=status, parked=question, next_try_at=None)
        fields = EventFields(
            AuditEventType.HANDOFF_PARKED,
            reason=ReasonCode.APPROVAL_REQUIRED,
            participant=target.subject.target,
            handoff=handoff.handoff_id,
            verdict=target.verdict,
            inputs=(answer.subject_hash,),
            detail={
                **handed_over(task, handoff),
                "target": target.subject.target,
                "subject_hash": answer.subject_hash,
                "approval_id": answer.approval_id,
            },
        )
        await _save(transaction, task, (handoff, parked), fields)


class SettleHandoff:
    """Goes on with a handoff once the human has spoken about its target."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, approval: Approval) -> None:
        """Clear or refuse the target; nothing where the handoff waits for another answer."""
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(approval.task_id)
            handoff = await unit.find_handoff(approval.handoff_id)
            if handoff is None or handoff.parked is None:
                return
            if handoff.parked.approval_id != approval.approval_id or not approval.decided:
                return
            if approval.state is ApprovalState.APPROVED:
                await self._clear(transaction, task, handoff, approval)
            else:
                await self._refuse(transaction, task, handoff, approval)
        self._ports.due_work.notify()

    async def _clear(
        self, transaction: TaskTransaction, task: Task, handoff: Handoff, approval: Approval
    ) -> None:
        status = HANDOFF.apply(handoff.status, "approved", Actor.ENGINE)
        cleared = replace(
            handoff,
            status=status,
            parked=None,
            cleared_target_id=approval.target,
            approval_id=approval.approval_id,
            next_try_at=transaction.now,
        )
        fields = self._fields(AuditEventType.HANDOFF_CLEARED, ReasonCode.APPROVAL_GRANTED, approval)
        await _save(transaction, task, (handoff, cleared), fields)

    async def _refuse(
        self, transaction: TaskTransaction, task: Task, handoff: Handoff, approval: Approval
    ) -> None:
        """A refusal is remembered for this subject, so nothing loops."""
        reason = REFUSAL_REASONS[approval.state]
        await transaction.unit.exclude(
            Exclusion(
                task_id=handoff.task_id,
                participant_id=approval.target,
                reason=reason.value,
                because=approval.comment or "a human said no",
                scope=handoff.handoff_id,
            )
        )
        status = HANDOFF.apply(handoff.status, "refuse_target", Actor.ENGINE)
        refused = replace(handoff, status=status, parked=None, next_try_at=transaction.now)
        fields = self._fields(AuditEventType.HANDOFF_DENIED, reason, approval)
        await _save(transaction, task, (handoff, refused), fields)

    def _fields(self, kind: AuditEventType, reason: ReasonCode, approval: Approval) -> EventFields:
        return EventFields(
            kind,
            reason=reason,
            participant=approval.target,
            handoff=approval.handoff_id,
            inputs=(approval.subject_hash,),
            detail={
                "target": approval.target,
                "subject_hash": approval.subject_hash,
                "approval_id": approval.approval_id,
                "decided_by": approval.decided_by,
                "comment": approval.comment,
            },
        )


async def _save(
    transaction: TaskTransaction, task: Task, handoffs: tuple[Handoff, Handoff], fields: EventFields
) -> None:
    """The handoff's step with its event; the task stays as it is."""
    before, after = handoffs
    stated = replace(fields, handoff_states=(before.status, after.status))
    saved, receipt = await transaction.record(task, task, stated)
    await transaction.unit.save_task(saved)
    await transaction.unit.save_handoff(
        replace(after, updated_at=transaction.now, last_event_id=receipt.audit_event_id)
    )
