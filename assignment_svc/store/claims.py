"""Claims of due rows across tenants, with the worker role. A claim is a column, never a lock."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, ColumnElement, Table, and_, func, or_, select, tuple_, update

from assignment_svc.domain.ports import CLAIM
from assignment_svc.store.tables import approvals, gates, handoffs, retirements, tasks
from phoenix_runtime.chassis.database import Database


class WorkerClaims:
    """Implements `domain.ports.Claims`; ``database`` is that of the worker role."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due_tasks(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim tasks whose time has come, all of the highest priority among them.

        What is claimed together is worked on side by side: a less urgent task of the same claim
        might be faster, and take the one seat that is free.
        """
        keys = (tasks.c.task_id, tasks.c.wake_at)
        highest = select(func.max(tasks.c.priority)).where(_due(tasks, tasks.c.wake_at, now))
        urgent = tasks.c.priority == highest.scalar_subquery()
        return await self._claim(tasks, keys, (now, limit), urgent)

    async def due_handoffs(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim handoffs whose time has come."""
        keys = (handoffs.c.handoff_id, handoffs.c.wake_at)
        return await self._claim(handoffs, keys, (now, limit))

    async def due_retirements(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim retirements whose time has come."""
        keys = (retirements.c.retirement_id, retirements.c.wake_at)
        return await self._claim(retirements, keys, (now, limit))

    async def due_approvals(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim approvals to be read or cancelled."""
        keys = (approvals.c.approval_id, approvals.c.next_poll_at)
        return await self._claim(approvals, keys, (now, limit))

    async def tenants(self) -> Sequence[str]:
        """Tenants with a gate."""
        async with self._database.claiming() as connection:
            result = await connection.execute(select(gates.c.tenant).distinct())
            return [row.tenant for row in result]

    async def _claim(
        self,
        table: Table,
        keys: tuple[Column[str], Column[datetime]],
        when: tuple[datetime, int],
        *wanted: ColumnElement[bool],
    ) -> Sequence[tuple[str, str]]:
        row_id, due_at = keys
        now, limit = when
        due = (
            select(table.c.tenant, row_id)
            .where(_due(table, due_at, now), *wanted)
            .order_by(due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        claim = (
            update(table)
            .where(tuple_(table.c.tenant, row_id).in_(due))
            .values(claimed_until=now + CLAIM)
            .returning(table.c.tenant, row_id)
        )
        async with self._database.claiming() as connection:
            rows = (await connection.execute(claim)).all()
        return [(row[0], row[1]) for row in rows]


def _due(table: Table, due_at: Column[datetime], now: datetime) -> ColumnElement[bool]:
    """Its time has come, and nobody is at it."""
    free = or_(table.c.claimed_until.is_(None), table.c.claimed_until <= now)
    return and_(due_at <= now, free)
