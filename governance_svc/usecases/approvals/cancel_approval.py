"""Withdraws a question whose subject is gone."""

from dataclasses import replace

from governance_svc.domain.approvals.events import approval_event
from governance_svc.domain.lifecycle import APPROVALS, ApprovalStatus
from governance_svc.domain.ports import Units
from governance_svc.usecases.approvals.request_approval import Asked
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt


class CancelApproval:
    """Harmless when repeated: what has ended already stays as it is."""

    def __init__(self, units: Units, clock: Clock) -> None:
        self._units = units
        self._clock = clock

    async def __call__(self, call: Call, approval_id: str, reason: str) -> Asked:
        """The approval, cancelled now or ended before; raises `NotFound`."""
        async with self._units(call) as unit:
            approval = await unit.approval(approval_id)
            if approval is None:
                raise NotFound("approval", approval_id)
            if approval.status is not ApprovalStatus.PENDING:
                correlation_id = approval.question.correlation_id
                return Asked(approval, Receipt("", correlation_id, approval.version))
            cancelled = replace(
                approval,
                status=APPROVALS.apply(approval.status, "cancel", "service"),
                version=approval.version + 1,
                comment=reason,
                decide_time=self._clock.now(),
            )
            await unit.end_approval(cancelled)
            receipt = await unit.audit(approval_event(cancelled, approval.status))
            return Asked(cancelled, receipt)
