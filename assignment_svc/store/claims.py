"""Claims due tasks, handoffs, retirements and approvals across tenants, with the worker role."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select

from assignment_svc.store.tables import approvals, gates, handoffs, retirements, tasks
from phoenix_runtime.chassis.data.claims import DueRows, RowClaims, claiming

DUE_TASKS: Final = claiming(DueRows(tasks.c.task_id, tasks.c.wake_at, urgency=tasks.c.priority))
DUE_HANDOFFS: Final = claiming(DueRows(handoffs.c.handoff_id, handoffs.c.wake_at))
DUE_RETIREMENTS: Final = claiming(DueRows(retirements.c.retirement_id, retirements.c.wake_at))
DUE_APPROVALS: Final = claiming(DueRows(approvals.c.approval_id, approvals.c.next_poll_at))
TENANTS: Final = select(gates.c.tenant).distinct()


class WorkerClaims(RowClaims):
    """Implements `domain.ports.Claims`."""

    async def due_tasks(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim due tasks, of each tenant all of its own highest priority.

        What is claimed together is processed at the same time: a less urgent task of the same
        claim might be faster, and take the one free seat.
        """
        return await self._claim(DUE_TASKS, now, limit)

    async def due_handoffs(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim due handoffs."""
        return await self._claim(DUE_HANDOFFS, now, limit)

    async def due_retirements(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim due retirements."""
        return await self._claim(DUE_RETIREMENTS, now, limit)

    async def due_approvals(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim approvals to be read or cancelled."""
        return await self._claim(DUE_APPROVALS, now, limit)

    async def tenants(self) -> Sequence[str]:
        """Tenants with a gate."""
        async with self._database.claiming() as connection:
            return [row.tenant for row in await connection.execute(TENANTS)]
