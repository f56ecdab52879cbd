"""Expires approvals that nobody decided in time; silence counts as a refusal."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from governance_svc.domain.approvals.events import ended_event
from governance_svc.domain.lifecycle import ApprovalStatus
from governance_svc.domain.ports import Claims, Units
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.principal import Call

MAX_APPROVALS = 100
"""The most approvals that one step expires."""
LONGEST_REST: Final = timedelta(seconds=5)
"""How long nobody looks: another replica may have asked somebody meanwhile."""


class ExpireApprovals:
    """Claims expired approvals across tenants, and ends each one inside its tenant."""

    def __init__(
        self, claims: Claims, units: Units, clock: Clock, call_for: Callable[[str], Call]
    ) -> None:
        self._claims = claims
        self._units = units
        self._clock = clock
        self._call_for = call_for

    async def __call__(self) -> bool | timedelta:
        """One step; true where there may be more, else how long none will be due."""
        now = self._clock.now()
        at = await self._claims.next_expiry(now)
        if at is None or at > now:
            return LONGEST_REST if at is None else min(at - now, LONGEST_REST)
        due = await self._claims.expired_approvals(now, limit=MAX_APPROVALS)
        for tenant, approval_id in due:
            await self._expire(self._call_for(tenant), approval_id)
        return bool(due)

    async def _expire(self, call: Call, approval_id: str) -> None:
        async with self._units(call) as unit:
            approval = await unit.lock_approval(approval_id)
            # It may have been decided or cancelled between the claim and the lock.
            if approval is None or approval.status is not ApprovalStatus.PENDING:
                return
            expired = approval.expired(self._clock.now())
            await unit.end_approval(expired)
            await unit.audit(ended_event(expired))
