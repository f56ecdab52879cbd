"""Cancels an approval whose subject is gone."""

from governance_svc.domain.approvals.events import ended_event
from governance_svc.domain.lifecycle import ApprovalStatus
from governance_svc.domain.ports import Units
from governance_svc.usecases.approvals.request_approval import ApprovalResult
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt


class CancelApproval:
    """Cancels a pending approval; one that has ended stays as it is, so repeating is harmless."""

    def __init__(self, units: Units, clock: Clock) -> None:
        self._units = units
        self._clock = clock

    async def __call__(self, call: Call, approval_id: str, reason: str) -> ApprovalResult:
        """The approval, cancelled now or ended before; raises `NotFound`."""
        async with self._units(call) as unit:
            approval = await unit.lock_approval(approval_id)
            if approval is None:
                raise NotFound("approval", approval_id)
            if approval.status is not ApprovalStatus.PENDING:
                receipt = Receipt("", approval.correlation_id, approval.version)
                return ApprovalResult(approval, receipt)
            cancelled = approval.cancelled(reason, self._clock.now())
            await unit.end_approval(cancelled)
            return ApprovalResult(cancelled, await unit.audit(ended_event(cancelled)))
