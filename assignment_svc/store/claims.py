"""Claims due tasks, handoffs, retirements and approvals across tenants, with the worker role."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select, union

from assignment_svc.store.due import DueKind
from assignment_svc.store.tables import approvals, gates, handoffs, retirements, tasks
from phoenix_runtime.chassis.data.claims import DueRows, RowClaims, claiming

KINDS: Final = {
    DueKind.TASKS: DueRows(tasks.c.task_id, tasks.c.wake_at, urgency=tasks.c.priority),
    DueKind.HANDOFFS: DueRows(handoffs.c.handoff_id, handoffs.c.wake_at),
    DueKind.RETIREMENTS: DueRows(retirements.c.retirement_id, retirements.c.wake_at),
    DueKind.APPROVALS: DueRows(approvals.c.approval_id, approvals.c.next_poll_at),
}
CLAIMING: Final = {kind: claiming(rows) for kind, rows in KINDS.items()}
NEXT_DUE: Final = select(*(rows.next().label(kind) for kind, rows in KINDS.items()))
BUSY_TENANTS: Final = union(
    select(gates.c.tenant).where(gates.c.used > 0),
    select(tasks.c.tenant).where(tasks.c.parked_target_id != ""),
    select(handoffs.c.tenant).where(handoffs.c.offered_target_id != ""),
)
"""Those with a gate that is `gates.BUSY`, by the same three conditions."""


class WorkerClaims(RowClaims):
    """Implements `domain.ports.Claims`."""

    async def due_tasks(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim due tasks, of each tenant all of its own highest priority.

        What is claimed together is processed at the same time: a less urgent task of the same
        claim might be faster, and take the one free seat.
        """
        return await self._claim(CLAIMING[DueKind.TASKS], now, limit)

    async def due_handoffs(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim due handoffs."""
        return await self._claim(CLAIMING[DueKind.HANDOFFS], now, limit)

    async def due_retirements(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim due retirements."""
        return await self._claim(CLAIMING[DueKind.RETIREMENTS], now, limit)

    async def due_approvals(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim approvals to be read or cancelled."""
        return await self._claim(CLAIMING[DueKind.APPROVALS], now, limit)

    async def next_due(self, now: datetime) -> Mapping[str, datetime]:
        """See the port."""
        async with self._database.claiming() as connection:
            (row,) = await connection.fetch(NEXT_DUE, {"now": now})
        return {kind: at for kind, at in row.items() if at is not None}

    async def busy_tenants(self) -> Sequence[str]:
        """See the port."""
        async with self._database.claiming() as connection:
            return [row["tenant"] for row in await connection.fetch(BUSY_TENANTS, {})]
