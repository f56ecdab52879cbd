"""Claims of due rows across tenants, with the worker role. A claim is a column, never a lock."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    Column,
    ColumnElement,
    Executable,
    Integer,
    Subquery,
    Table,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from assignment_svc.domain.ports import CLAIM
from assignment_svc.store.tables import approvals, gates, handoffs, retirements, tasks
from phoenix_runtime.chassis.data.database import Database


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
        return await self._claim(DUE_TASKS, now, limit)

    async def due_handoffs(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim handoffs whose time has come."""
        return await self._claim(DUE_HANDOFFS, now, limit)

    async def due_retirements(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim retirements whose time has come."""
        return await self._claim(DUE_RETIREMENTS, now, limit)

    async def due_approvals(self, now: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Claim approvals to be read or cancelled."""
        return await self._claim(DUE_APPROVALS, now, limit)

    async def tenants(self) -> Sequence[str]:
        """Tenants with a gate."""
        async with self._database.claiming() as connection:
            result = await connection.execute(select(gates.c.tenant).distinct())
            return [row.tenant for row in result]

    async def _claim(
        self, statement: Executable, now: datetime, limit: int
    ) -> Sequence[tuple[str, str]]:
        parameters = {"now": now, "until": now + self._lasting, "most": limit}
        async with self._database.claiming() as connection:
            rows = (await connection.execute(statement, parameters)).all()
        return [(row[0], row[1]) for row in rows]


def _claiming(
    table: Table, keys: tuple[Column[str], Column[datetime]], urgency: Column[int] | None = None
) -> Executable:
    """What claims due rows of a table: built once, it is executed several times a second."""
    row_id, due_at = keys
    turns = _turns(table, keys, urgency)
    due = (
        select(table.c.tenant, row_id)
        .join(turns, and_(table.c.tenant == turns.c.tenant, row_id == turns.c[row_id.name]))
        .where(_due(table, due_at))
        .order_by(turns.c.turn, due_at)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(of=table, skip_locked=True)
    )
    return (
        update(table)
        .where(tuple_(table.c.tenant, row_id).in_(due))
        .values(claimed_until=bindparam("until"))
        .returning(table.c.tenant, row_id)
    )


def _turns(
    table: Table, keys: tuple[Column[str], Column[datetime]], urgency: Column[int] | None
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
        .where(_due(table, due_at))
        .subquery()
    )
    turn = func.row_number().over(partition_by=waiting.c.tenant, order_by=waiting.c.due_at)
    return (
        select(waiting.c.tenant, waiting.c[row_id.name], turn.label("turn"))
        .where(waiting.c.rank == waiting.c.highest)
        .subquery()
    )


def _due(table: Table, due_at: Column[datetime]) -> ColumnElement[bool]:
    """Its time has come, and nobody is at it."""
    now = bindparam("now", type_=due_at.type)
    free = or_(table.c.claimed_until.is_(None), table.c.claimed_until <= now)
    return and_(due_at <= now, free)


DUE_TASKS = _claiming(tasks, (tasks.c.task_id, tasks.c.wake_at), tasks.c.priority)
DUE_HANDOFFS = _claiming(handoffs, (handoffs.c.handoff_id, handoffs.c.wake_at))
DUE_RETIREMENTS = _claiming(retirements, (retirements.c.retirement_id, retirements.c.wake_at))
DUE_APPROVALS = _claiming(approvals, (approvals.c.approval_id, approvals.c.next_poll_at))
