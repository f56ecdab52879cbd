"""Goes on with a handoff after a human has decided about its target."""

from assignment_svc.domain import handoff_transitions
from assignment_svc.domain.approval import REFUSAL_REASONS, Approval
from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.states import ApprovalState
from assignment_svc.domain.task import Exclusion, Task
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.principal import Call


class ContinueHandoff:
    """Clears or refuses the target of a parked handoff."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, approval: Approval) -> None:
        """Go on; nothing where the handoff waits for another answer by now."""
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

    async def _clear(
        self, transaction: TaskTransaction, task: Task, handoff: Handoff, approval: Approval
    ) -> None:
        cleared = handoff_transitions.cleared(
            handoff,
            target=approval.target,
            approval_id=approval.approval_id,
            at=transaction.now,
        )
        fields = _fields(AuditEventType.HANDOFF_CLEARED, ReasonCode.APPROVAL_GRANTED, approval)
        saved, _, _ = await transaction.record_handoff((task, task), (handoff, cleared), fields)
        await transaction.unit.save_task(saved)

    async def _refuse(
        self, transaction: TaskTransaction, task: Task, handoff: Handoff, approval: Approval
    ) -> None:
        """Exclude the target from this handoff for ever, so that it is not asked about again."""
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
        refused = handoff_transitions.target_refused(handoff, transaction.now)
        fields = _fields(AuditEventType.HANDOFF_DENIED, reason, approval)
        saved, _, _ = await transaction.record_handoff((task, task), (handoff, refused), fields)
        await transaction.unit.save_task(saved)


def _fields(kind: AuditEventType, reason: ReasonCode, approval: Approval) -> EventFields:
    return EventFields(
        kind,
        reason=reason,
        participant=approval.target,
        inputs=(approval.subject_hash,),
        detail={
            "target": approval.target,
            "subject_hash": approval.subject_hash,
            "approval_id": approval.approval_id,
            "decided_by": approval.decided_by,
            "comment": approval.comment,
        },
    )
