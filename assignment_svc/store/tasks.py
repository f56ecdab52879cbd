"""Stores tasks, and their inputs and results under their hash."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    or_,
    select,
    union,
)

from assignment_svc.domain.declaration import Document
from assignment_svc.domain.states import ENDED, TaskStatus
from assignment_svc.domain.task import Submission, Task, TaskFilter
from assignment_svc.store.due import DueKind
from assignment_svc.store.related import Related, RelatedTable
from assignment_svc.store.tables import HANDOFF_IS_OPEN, contents, handoffs, tasks
from phoenix_runtime.chassis.data.mapper import RowMapper
from phoenix_runtime.chassis.data.paging import newest_first, page_of
from phoenix_runtime.chassis.data.statements import one_of
from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.pages import Page, PageRequest

MAPPER = RowMapper(Task, flattened=("spec",))
OPEN = [status.value for status in TaskStatus if status not in ENDED]
FIXED = frozenset(RowMapper(Submission, flattened=("spec",)).columns)
"""Columns that no write changes after the first (I1)."""

_IS_OPEN_CHILD = and_(
    tasks.c.tenant == bindparam("tenant"),
    one_of(tasks.c.parent_task_id, "parents"),
    one_of(tasks.c.status, OPEN),
)
FREE_TASKS = (
    select(tasks)
    .where(tasks.c.tenant == bindparam("tenant"), one_of(tasks.c.task_id, "ids"))
    .with_for_update(skip_locked=True)
)
OPEN_IDS = select(tasks.c.task_id).where(_IS_OPEN_CHILD).order_by(tasks.c.task_id)
OPEN_CHILDREN = (
    select(tasks)
    .where(_IS_OPEN_CHILD, tasks.c.detached.is_(False))
    .order_by(tasks.c.task_id)
    .with_for_update()
)
"""Children that end with their parents, locked by id."""


def _tasks_by(
    named: ColumnElement[str], task_id: ColumnElement[str], tenant: ColumnElement[str]
) -> Select[Any]:
    """Ids of the tasks of rows whose column ``named`` is one of these participants.

    PostgreSQL chooses a partial index only where the statement has the index's condition, too.
    """
    return select(task_id).where(tenant == bindparam("tenant"), named != "", one_of(named, "ids"))


TASKS_AROUND = (
    select(tasks)
    .where(
        tasks.c.tenant == bindparam("tenant"),
        tasks.c.task_id.in_(
            union(
                _tasks_by(tasks.c.participant_id, tasks.c.task_id, tasks.c.tenant),
                _tasks_by(tasks.c.parked_target_id, tasks.c.task_id, tasks.c.tenant),
                _tasks_by(handoffs.c.source, handoffs.c.task_id, handoffs.c.tenant).where(
                    HANDOFF_IS_OPEN
                ),
                _tasks_by(handoffs.c.offered_target_id, handoffs.c.task_id, handoffs.c.tenant),
            )
        ),
    )
    .order_by(tasks.c.task_id)
)
"""One statement, so that a task that moves from one column to another is not missed."""


def task_row(task: Task) -> dict[str, Any]:
    """The columns of a task, the derived ones included. A write ends any claim."""
    return MAPPER.row(task) | {
        "participant_id": task.owner_id,
        "parked_target_id": task.parked.target if task.parked else "",
        "wake_at": task.wake_at,
        "claimed_until": None,
    }


def task_of(row: Mapping[str, Any]) -> Task:
    """The task of a row."""
    return MAPPER.value(row)


class TaskTable(RelatedTable):
    """Implements `domain.rows.Tasks`."""

    async def add_task(self, task: Task, content: Document) -> None:
        """Insert a task and its input. Its parent is locked.

        `AssignmentUnits` tells of an id that has a row.
        """
        if task.spec.parent_task_id:
            await self._mark(Related.CHILDREN, task.spec.parent_task_id)
        await self._insert(tasks, task_row(task) | {"related": 0})
        self._becomes_due(DueKind.TASKS, task.wake_at)
        await self.add_content(content)

    async def find_task(self, task_id: str) -> Task | None:
        """The task as last committed, unlocked."""
        row = await self._find(tasks, task_id=task_id)
        return self._task(row) if row is not None else None

    async def lock_task(self, task_id: str) -> Task:
        """The task under its row lock; raises `NotFound`."""
        row = await self._find(tasks, task_id=task_id, lock=True)
        if row is None:
            raise NotFound("task", task_id)
        return self._task(row)

    async def lock_free_tasks(self, task_ids: Collection[str]) -> dict[str, Task]:
        """Those of the tasks that nobody has locked, under their row locks; waits for none."""
        parameters = {"tenant": self.tenant, "ids": sorted(set(task_ids))}
        rows = await self._all(FREE_TASKS, parameters)
        return {row["task_id"]: self._task(row) for row in rows}

    async def lock_family(self, task_id: str) -> tuple[Task, ...]:
        """The task and its open, attached descendants, a level at a time, each by id."""
        family = [await self.lock_task(task_id)]
        level = [task_id]
        while level:
            children = await self._lock_children(level)
            family += children
            level = [child.task_id for child in children]
        return tuple(family)

    async def _lock_children(self, parents: list[str]) -> list[Task]:
        some = self._may_have(Related.CHILDREN, parents)
        if not some:
            return []
        rows = await self._all(OPEN_CHILDREN, {"tenant": self.tenant, "parents": some})
        return [self._task(row) for row in rows]

    def _task(self, row: Mapping[str, Any]) -> Task:
        return task_of(self._note(row))

    async def save_task(self, task: Task) -> None:
        """Write back a locked task."""
        row = {name: value for name, value in task_row(task).items() if name not in FIXED}
        await self._update(tasks, {"task_id": task.task_id}, row)
        self._becomes_due(DueKind.TASKS, task.wake_at)

    async def open_children(self, task_id: str) -> tuple[str, ...]:
        """Ids of the children that have not ended."""
        if not self._may_have(Related.CHILDREN, [task_id]):
            return ()
        rows = await self._all(OPEN_IDS, {"tenant": self.tenant, "parents": [task_id]})
        return tuple(row["task_id"] for row in rows)

    async def list_tasks(self, wanted: TaskFilter, page: PageRequest) -> Page[Task]:
        """Tasks, newest first."""
        statement = select(tasks).where(self._matching(tasks))
        if wanted.statuses:
            statement = statement.where(tasks.c.status.in_([s.value for s in wanted.statuses]))
        for name in ("participant_id", "parent_task_id", "correlation_id"):
            value = getattr(wanted, name)
            if value:
                statement = statement.where(tasks.c[name] == value)
        keys = (tasks.c.submitted_at, tasks.c.task_id)
        rows = await self._all(newest_first(statement, keys, page))
        return page_of(
            [task_of(row) for row in rows],
            page,
            lambda task: (task.submitted_at, task.task_id),
            await self._total(statement, page),
        )

    async def held_by(self, participant_id: str) -> tuple[str, ...]:
        """Ids of tasks that the participant holds, or an assignment to it is parked for."""
        statement = (
            select(tasks.c.task_id)
            .where(
                self._matching(tasks),
                or_(
                    tasks.c.participant_id == participant_id,
                    tasks.c.parked_target_id == participant_id,
                ),
            )
            .order_by(tasks.c.task_id)
        )
        return tuple(row["task_id"] for row in await self._all(statement))

    async def tasks_around(self, participant_ids: Collection[str]) -> tuple[Task, ...]:
        """The tasks that these hold, are offered or were the source of, unlocked."""
        if not participant_ids:
            return ()
        parameters = {"tenant": self.tenant, "ids": sorted(participant_ids)}
        return tuple(self._task(row) for row in await self._all(TASKS_AROUND, parameters))

    async def add_content(self, content: Document) -> None:
        """Store an input or a result under its hash; again is harmless."""
        await self._keep(contents, {"hash": content.hash, "content": content.content})

    async def content(self, content_hash: str) -> bytes:
        """The canonical bytes behind a hash; raises `NotFound`."""
        row = await self._find(contents, hash=content_hash)
        if row is None:
            raise NotFound("content", content_hash)
        return bytes(row["content"])
