"""Finds tasks that wait for an assignee and handoffs that wait for a target."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Table, and_, func, or_, select, union_all, update
from sqlalchemy.sql import Select

from assignment_svc.domain.states import HandoffStatus, TaskStatus
from assignment_svc.store.tables import handoffs, tasks
from phoenix_runtime.chassis.data.rows import TenantRows
from phoenix_runtime.core.verdict import Grants

_TASKS: Final = (tasks.c.priority.desc(), tasks.c.next_try_at)
_HANDOFFS: Final = (handoffs.c.next_try_at,)


class QueueTable(TenantRows):
    """Implements `domain.rows.Queue`: rows whose next try is in the future."""

    async def has_waiting(self, now: datetime) -> bool:
        """Whether any row waits for its next try."""
        waiting = union_all(
            select(tasks.c.task_id).where(self._tasks(now)).limit(1),
            select(handoffs.c.task_id).where(self._handoffs(now)).limit(1),
        )
        return await self._first(waiting) is not None

    async def wake_waiting(
        self, now: datetime, *, limit: int, grants: Collection[Grants] = ()
    ) -> int:
        """Make waiting tasks, by priority, and handoffs due now; answers how many.

        Rows that are locked are skipped.
        """
        wanted, open_ = self._tasks(now), self._handoffs(now)
        if grants:
            covered = covered_by(grants)
            mine = select(tasks.c.task_id).where(self._matching(tasks), covered)
            wanted, open_ = and_(wanted, covered), and_(open_, handoffs.c.task_id.in_(mine))
        found = select(tasks.c.task_id).where(wanted).order_by(*_TASKS)
        woken = await self._wake(tasks, tasks.c.task_id, found.limit(limit), now)
        found = select(handoffs.c.handoff_id).where(open_).order_by(*_HANDOFFS)
        return woken + await self._wake(handoffs, handoffs.c.handoff_id, found.limit(limit), now)

    def _tasks(self, now: datetime) -> ColumnElement[bool]:
        return and_(
            self._matching(tasks, status=TaskStatus.PENDING.value), tasks.c.next_try_at > now
        )

    def _handoffs(self, now: datetime) -> ColumnElement[bool]:
        """Handoffs after their first try; before it they wait for the source's last checkpoint."""
        return and_(
            self._matching(handoffs, status=HandoffStatus.INITIATED.value),
            handoffs.c.tries > 0,
            handoffs.c.next_try_at > now,
        )

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
