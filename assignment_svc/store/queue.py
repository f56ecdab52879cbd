"""Finds tasks that wait for an assignee and handoffs that wait for a target."""

from collections.abc import Collection
from datetime import datetime
from typing import Final, TypeAlias, TypeVar

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Table,
    and_,
    bindparam,
    func,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.sql import Select

from assignment_svc.domain.states import HandoffStatus, TaskStatus
from assignment_svc.store.due import DueKind, DueTable
from assignment_svc.store.tables import handoffs, tasks
from phoenix_runtime.core.verdict import Grants

_TASKS: Final = (tasks.c.priority.desc(), tasks.c.next_try_at)
_HANDOFFS: Final = (handoffs.c.next_try_at,)

T = TypeVar("T")
Value: TypeAlias = T | BindParameter[T]


def _waiting_tasks(tenant: Value[str], now: Value[datetime]) -> ColumnElement[bool]:
    return and_(
        tasks.c.tenant == tenant,
        tasks.c.status == TaskStatus.PENDING.value,
        tasks.c.next_try_at > now,
    )


def _waiting_handoffs(tenant: Value[str], now: Value[datetime]) -> ColumnElement[bool]:
    """Handoffs after their first try; before it they wait for the source's last checkpoint."""
    return and_(
        handoffs.c.tenant == tenant,
        handoffs.c.status == HandoffStatus.INITIATED.value,
        handoffs.c.tries > 0,
        handoffs.c.next_try_at > now,
    )


_TENANT: Final[BindParameter[str]] = bindparam("tenant")
_NOW: Final[BindParameter[datetime]] = bindparam("now", type_=tasks.c.next_try_at.type)
WAITING: Final = union_all(
    select(tasks.c.task_id).where(_waiting_tasks(_TENANT, _NOW)).limit(1),
    select(handoffs.c.task_id).where(_waiting_handoffs(_TENANT, _NOW)).limit(1),
)
"""One row where any waits for its next try."""


class QueueTable(DueTable):
    """Implements `domain.rows.Queue`: rows whose next try is in the future."""

    async def has_waiting(self, now: datetime) -> bool:
        """Whether any row waits for its next try."""
        return await self._first(WAITING, {"tenant": self.tenant, "now": now}) is not None

    async def wake_waiting(
        self, now: datetime, *, limit: int, grants: Collection[Grants] = ()
    ) -> int:
        """Make waiting tasks, by priority, and handoffs due now; answers how many.

        Rows that are locked are skipped.
        """
        wanted, open_ = _waiting_tasks(self.tenant, now), _waiting_handoffs(self.tenant, now)
        if grants:
            covered = covered_by(grants)
            mine = select(tasks.c.task_id).where(self._matching(tasks), covered)
            wanted, open_ = and_(wanted, covered), and_(open_, handoffs.c.task_id.in_(mine))
        found = select(tasks.c.task_id).where(wanted).order_by(*_TASKS)
        woken = await self._wake(tasks, tasks.c.task_id, found.limit(limit), now)
        self._becomes_due(DueKind.TASKS, now if woken else None)
        found = select(handoffs.c.handoff_id).where(open_).order_by(*_HANDOFFS)
        moved = await self._wake(handoffs, handoffs.c.handoff_id, found.limit(limit), now)
        self._becomes_due(DueKind.HANDOFFS, now if moved else None)
        return woken + moved

    async def _wake(
        self, table: Table, key: ColumnElement[str], waiting: Select[tuple[str]], now: datetime
    ) -> int:
        statement = (
            update(table)
            .where(self._matching(table), key.in_(waiting.with_for_update(skip_locked=True)))
            .values(next_try_at=now, wake_at=func.least(table.c.wake_at, now), claimed_until=None)
        )
        return await self.connection.run(statement)


def covered_by(grants: Collection[Grants]) -> ColumnElement[bool]:
    """The condition of tasks that one of ``grants`` covers (`domain.predicates.covers`)."""
    return or_(
        *(
            and_(
                tasks.c.required_capabilities.contained_by(sorted(one.capabilities)),
                tasks.c.data_domains.contained_by(sorted(one.data_domains)),
            )
            for one in grants
        )
    )
