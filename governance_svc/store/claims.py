"""Claims expired approvals across tenants, and lists the tenants, with the worker role."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import func, or_, select

from governance_svc.domain.lifecycle import ApprovalStatus
from governance_svc.domain.trust.projection import RULES
from governance_svc.store.tables import approvals, ledger_heads, policy_heads, trust_cursors
from phoenix_runtime.chassis.data.claims import DueRows, RowClaims, claiming

PENDING: Final = approvals.c.status == ApprovalStatus.PENDING.value
EXPIRING: Final = DueRows(approvals.c.approval_id, approvals.c.expires_at, condition=PENDING)
EXPIRED_APPROVALS: Final = claiming(EXPIRING)
NEXT_EXPIRY: Final = select(EXPIRING.next().label("at"))
TENANTS: Final = select(ledger_heads.c.tenant)
UNPROJECTED: Final = (
    select(ledger_heads.c.tenant)
    .select_from(
        ledger_heads.outerjoin(trust_cursors, trust_cursors.c.tenant == ledger_heads.c.tenant)
    )
    .where(
        or_(
            ledger_heads.c.sequence > func.coalesce(trust_cursors.c.sequence, 0),
            trust_cursors.c.rules.is_distinct_from(RULES),
        )
    )
)
POLICY_HEADS: Final = select(policy_heads.c.tenant, policy_heads.c.overlay_revision)


class WorkerClaims(RowClaims):
    """Implements `domain.ports.Claims`."""

    async def expired_approvals(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim pending approvals past their end: (tenant, approval id)."""
        return await self._claim(EXPIRED_APPROVALS, now, limit)

    async def next_expiry(self, now: datetime) -> datetime | None:
        """When the next pending approval ends that nobody has claimed."""
        async with self._database.claiming() as connection:
            (row,) = await connection.fetch(NEXT_EXPIRY, {"now": now})
        at: datetime | None = row["at"]
        return at

    async def policy_heads(self) -> Sequence[tuple[str, str]]:
        """(tenant, overlay revision) of every tenant that ever activated one; empty for none."""
        async with self._database.claiming() as connection:
            found = await connection.fetch(POLICY_HEADS, {})
        return [(row["tenant"], row["overlay_revision"]) for row in found]

    async def tenants(self) -> Sequence[str]:
        """Every tenant that has a ledger."""
        async with self._database.claiming() as connection:
            return [row["tenant"] for row in await connection.fetch(TENANTS, {})]

    async def unprojected_tenants(self) -> Sequence[str]:
        """See the port."""
        async with self._database.claiming() as connection:
            return [row["tenant"] for row in await connection.fetch(UNPROJECTED, {})]
