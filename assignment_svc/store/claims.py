"""Claims of due rows across tenants, with the worker role. A claim is a column, never a lock."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    Column,
    ColumnElement,
    Subquery,
    Table,
    and_,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from assignment_svc.domain.ports import CLAIM
from assignment_svc.store.tables import approvals, gates, handoffs, retirements, tasks
from phoenix_runtime.chassis.database import Database


class WorkerClaims:
    """Implements `domain.ports.Claims`; ``database`` is that of the worker role."""

    def __init__(self, database: Database, lasting: timedelta = CLAIM) -> None:
        self._database = database
        self._lasting = lasting

    async def due_tasks(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim tasks whose time has come, of each tenant all of its own highest priority.

        What is claimed together is worked on side by side: a less urgent task of the same claim
        might be faster, and take the one seat that is free.
        """
        keys = (tasks.c.task_id, tasks.c.wake_at)
        return await self._claim(tasks, keys, (now, limit), urgency=tasks.c.priority)

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
        *,
        urgency: Column[int] | None = None,
    ) -> Sequence[tuple[str, str]]:
        row_id, due_at = keys
        now, limit = when
        turns = _turns(table, keys, now, urgency)
        due = (
            select(table.c.tenant, row_id)
            .join(turns, and_(table.c.tenant == turns.c.tenant, row_id == turns.c[row_id.name]))
            .where(_due(table, due_at, now))
            .order_by(turns.c.turn, due_at)
            .limit(limit)
            .with_for_update(of=table, skip_locked=True)
        )
        claim = (
            update(table)
            .where(tuple_(table.c.tenant, row_id).in_(due))
            .values(claimed_until=now + self._lasting)
            .returning(table.c.tenant, row_id)
        )
        async with self._database.claiming() as connection:
            rows = (await connection.execute(claim)).all()
        return [(row[0], row[1]) for row in rows]


def _turns(
    table: Table,
    keys: tuple[Column[str], Column[datetime]],
    now: datetime,
    urgency: Column[int] | None,
) -> Subquery:
    """What is due and when its turn is: tenants take turns, however much one of them has.

    By ``urgency`` only the most urgent of each tenant; one tenant's haste is not another's.
    """
    row_id, due_at = keys
    rank = literal(0) if urgency is None else urgency
    highest = func.max(rank).over(partition_by=table.c.tenant)
    waiting = (
        select(table.c.tenant, row_id, due_at.label("due_at"), rank.label("rank"))
        .add_columns(highest.label("highest"))
        .where(_due(table, due_at, now))
        .subquery()
    )
    turn = func.row_number().over(partition_by=waiting.c.tenant, order_by=waiting.c.due_at)
    return (
        select(waiting.c.tenant, waiting.c[row_id.name], turn.label("turn"))
        .where(waiting.c.rank == waiting.c.highest)
        .subquery()
    )


def _due(table: Table, due_at: Column[datetime], now: datetime) -> ColumnElement[bool]:
    """Its time has come, and nobody is at it."""
    free = or_(table.c.claimed_until.is_(None), table.c.claimed_until <= now)
    return and_(due_at <= now, free)
