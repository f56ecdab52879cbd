"""Ends questions that nobody answered in time; silence counts as a refusal."""

from collections.abc import Callable
from dataclasses import replace

from governance_svc.domain.approvals.events import approval_event
from governance_svc.domain.lifecycle import APPROVALS, ApprovalStatus
from governance_svc.domain.ports import ApprovalClaims, Units
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.principal import Call

BATCH = 100
"""Approvals of one step."""


class ExpireApprovals:
    """Claims what is due across tenants, and ends each inside its own."""

    def __init__(
        self,
        claims: ApprovalClaims,
        units: Units,
        clock: Clock,
        call_for: Callable[[str], Call],
    ) -> None:
        self._claims = claims
        self._units = units
        self._clock = clock
        self._call_for = call_for

    async def __call__(self) -> bool:
        """One step; true where there may be more."""
        due = await self._claims.due(self._clock.now(), BATCH)
        for tenant, approval_id in due:
            await self._expire(self._call_for(tenant), approval_id)
        return len(due) == BATCH

    async def _expire(self, call: Call, approval_id: str) -> None:
        async with self._units(call) as unit:
            approval = await unit.approval(approval_id)
            # Decided, or withdrawn, between the claim and the lock.
            if approval is None or approval.status is not ApprovalStatus.PENDING:
                return
            expired = replace(
                approval,
                status=APPROVALS.apply(approval.status, "expire", "expiry_worker"),
                version=approval.version + 1,
                decide_time=self._clock.now(),
            )
            await unit.end_approval(expired)
            await unit.audit(approval_event(expired, approval.status))
