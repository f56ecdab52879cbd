"""Claims due rows across tenants, with the worker role. A claim is a column, never a held lock.

A claimed row has ``claimed_until`` in the future; it is free again when that has passed, so a
worker that dies needs no cleaning up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Executable,
    Integer,
    ScalarSelect,
    Subquery,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.core.durations import CLAIM_DURATION


@dataclass(frozen=True, slots=True)
class DueRows:
    """Which rows of a table are due, by whichever columns say so.

    ``row_id`` is the table's own key beside the tenant. ``due_at`` is NULL, or the instant from
    which the row is due. With ``urgency``, of each tenant only the rows with its highest value are
    claimed. ``condition`` restricts the rows further.
    """

    row_id: Column[str]
    due_at: Column[datetime]
    urgency: Column[int] | None = None
    condition: ColumnElement[bool] | None = None

    def due(self) -> ColumnElement[bool]:
        """The row is due at ``:now`` and not claimed."""
        return and_(self.due_at <= self._now(), self.free())

    def free(self) -> ColumnElement[bool]:
        """The row may be claimed at ``:now`` once it is due."""
        claimed_until = self.row_id.table.c.claimed_until
        free = or_(claimed_until.is_(None), claimed_until <= self._now())
        return free if self.condition is None else and_(self.condition, free)

    def next(self) -> ScalarSelect[datetime]:
        """When the earliest row that is not claimed at ``:now`` is due; NULL for never."""
        return select(func.min(self.due_at)).where(self.free()).scalar_subquery()

    def _now(self) -> BindParameter[datetime]:
        return bindparam("now", type_=self.due_at.type)


class RowClaims:
    """Claims rows for ``lasting``; ``database`` is that of the worker role."""

    def __init__(self, database: Database, lasting: timedelta = CLAIM_DURATION) -> None:
        self._database = database
        self._lasting = lasting

    async def _claim(
        self, statement: Executable, now: datetime, limit: int
    ) -> Sequence[tuple[str, str]]:
        """Execute a statement of `claiming`; answers (tenant, id) of at most ``limit`` rows."""
        parameters = {"now": now, "until": now + self._lasting, "most": limit}
        async with self._database.claiming() as connection:
            rows = await connection.fetch(statement, parameters)
        return [tuple(row.values()) for row in rows]


def claiming(rows: DueRows) -> Executable:
    """The statement that claims due rows, the tenants by turns; build it once a table.

    Its parameters are ``now``, ``until`` and ``most``.
    """
    table, row_id = rows.row_id.table, rows.row_id
    turns = _turns(rows)
    due = (
        select(table.c.tenant, row_id)
        .join(turns, and_(table.c.tenant == turns.c.tenant, row_id == turns.c[row_id.name]))
        .where(rows.due())
        .order_by(turns.c.turn, rows.due_at)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(of=table, skip_locked=True)
    )
    return (
        update(table)
        .where(tuple_(table.c.tenant, row_id).in_(due))
        .values(claimed_until=bindparam("until"))
        .returning(table.c.tenant, row_id)
    )


def _turns(rows: DueRows) -> Subquery:
    """The due rows, numbered inside each tenant: a tenant with many rows delays no other.

    By ``urgency`` only the most urgent of each tenant; the urgency of one tenant is not compared
    with that of another.
    """
    table, row_id = rows.row_id.table, rows.row_id
    rank = literal(0) if rows.urgency is None else rows.urgency
    highest = func.max(rank).over(partition_by=table.c.tenant)
    waiting = (
        select(table.c.tenant, row_id, rows.due_at.label("due_at"), rank.label("rank"))
        .add_columns(highest.label("highest"))
        .where(rows.due())
        .subquery()
    )
    turn = func.row_number().over(partition_by=waiting.c.tenant, order_by=waiting.c.due_at)
    return (
        select(waiting.c.tenant, waiting.c[row_id.name], turn.label("turn"))
        .where(waiting.c.rank == waiting.c.highest)
        .subquery()
    )
