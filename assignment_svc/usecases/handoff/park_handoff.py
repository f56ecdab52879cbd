"""A handoff for whose target policy wants a human: parked, cleared or refused; the task goes on."""

from dataclasses import replace

from assignment_svc.domain.approval import Approval, ApprovalAnswer
from assignment_svc.domain.handoff import Handoff, ParkedHandoff
from assignment_svc.domain.lifecycle import HANDOFF
from assignment_svc.domain.predicates import CandidateLost, StaleRead
from assignment_svc.domain.states import Actor, ApprovalState, HandoffStatus
from assignment_svc.domain.task import Exclusion, Task
from assignment_svc.usecases.handoff.judge_target import JudgedTarget
from assignment_svc.usecases.steps.approval_requests import ask_human, remember_question
from assignment_svc.usecases.steps.migration import handed_over
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import Act, Telling
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.principal import Call

REFUSALS = {
    ApprovalState.REJECTED: ReasonCode.APPROVAL_REFUSED,
    ApprovalState.EXPIRED: ReasonCode.APPROVAL_EXPIRED,
    ApprovalState.CANCELLED: ReasonCode.SUBJECT_GONE,
}


class ParkHandoff:
    """Asks a human about one target."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(
        self, call: Call, task: Task, handoff: Handoff, target: JudgedTarget
    ) -> None:
        """Park. Raises `StaleRead` where the handoff moved on, `CandidateLost` after a no."""
        asked = (target.verdict, list(target.known))
        answer = await ask_human(self._ports, call, task, target.matter, asked)
        if answer.state in REFUSALS:
            raise CandidateLost("policy_allows", f"a human said no ({answer.approval_id})")
        async with self._ports.units(call) as unit:
            act = Act(unit, self._ports)
            current = await unit.lock_task(task.task_id)
            found = await unit.find_handoff(handoff.handoff_id)
            if found is None or found.status is not HandoffStatus.INITIATED:
                raise StaleRead
            await remember_question(act, current, target.matter, answer)
            if answer.state is ApprovalState.PENDING:
                await self._write(act, current, found, (target, answer))
        if answer.state is not ApprovalState.PENDING:
            raise StaleRead  # a human has spoken already: the next look has it in its question

    async def _write(
        self,
        act: Act,
        task: Task,
        handoff: Handoff,
        asked: tuple[JudgedTarget, ApprovalAnswer],
    ) -> None:
        target, answer = asked
        status = HANDOFF.apply(handoff.status, "ask_human", Actor.ENGINE)
        question = ParkedHandoff(answer.approval_id, answer.subject_hash, target.matter.target)
        parked = replace(handoff, status=status, parked=question, next_try_at=None)
        telling = Telling(
            AuditEventType.HANDOFF_PARKED,
            reason=ReasonCode.APPROVAL_REQUIRED,
            participant=target.matter.target,
            handoff=handoff.handoff_id,
            verdict=target.verdict,
            inputs=(answer.subject_hash,),
            detail={
                **handed_over(task, handoff),
                "target": target.matter.target,
                "subject_hash": answer.subject_hash,
                "approval_id": answer.approval_id,
            },
        )
        await _save(act, task, (handoff, parked), telling)


class SettleHandoff:
    """Goes on with a handoff once the human has spoken about its target."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, approval: Approval) -> None:
        """Clear or refuse the target; nothing where the handoff waits for another answer."""
        async with self._ports.units(call) as unit:
            act = Act(unit, self._ports)
            task = await unit.lock_task(approval.task_id)
            handoff = await unit.find_handoff(approval.handoff_id)
            if handoff is None or handoff.parked is None:
                return
            if handoff.parked.approval_id != approval.approval_id or not approval.decided:
                return
            if approval.state is ApprovalState.APPROVED:
                await self._clear(act, task, handoff, approval)
            else:
                await self._refuse(act, task, handoff, approval)
        self._ports.wake_up.notify()

    async def _clear(self, act: Act, task: Task, handoff: Handoff, approval: Approval) -> None:
        status = HANDOFF.apply(handoff.status, "approved", Actor.ENGINE)
        cleared = replace(
            handoff,
            status=status,
            parked=None,
            cleared_target_id=approval.target,
            approval_id=approval.approval_id,
            next_try_at=act.now,
        )
        telling = self._telling(
            AuditEventType.HANDOFF_CLEARED, ReasonCode.APPROVAL_GRANTED, approval
        )
        await _save(act, task, (handoff, cleared), telling)

    async def _refuse(self, act: Act, task: Task, handoff: Handoff, approval: Approval) -> None:
        """A refusal is remembered for this subject, so nothing loops."""
        reason = REFUSALS[approval.state]
        await act.unit.exclude(
            Exclusion(
                task_id=handoff.task_id,
                participant_id=approval.target,
                reason=reason.value,
                because=approval.comment or "a human said no",
                scope=handoff.handoff_id,
            )
        )
        status = HANDOFF.apply(handoff.status, "refuse_target", Actor.ENGINE)
        refused = replace(handoff, status=status, parked=None, next_try_at=act.now)
        telling = self._telling(AuditEventType.HANDOFF_DENIED, reason, approval)
        await _save(act, task, (handoff, refused), telling)

    def _telling(self, kind: AuditEventType, reason: ReasonCode, approval: Approval) -> Telling:
        return Telling(
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


async def _save(act: Act, task: Task, handoffs: tuple[Handoff, Handoff], telling: Telling) -> None:
    """The handoff's step with its event; the task stays as it is."""
    before, after = handoffs
    stated = replace(telling, handoff_states=(before.status, after.status))
    told, receipt = await act.tell(task, task, stated)
    await act.unit.save_task(told)
    await act.unit.save_handoff(
        replace(after, updated_at=act.now, last_event_id=receipt.audit_event_id)
    )
