"""Notes on a task's row which kinds of other rows it has, so that those are not looked for in vain.

Most tasks have no question to a human, no child, no exclusion and no handoff, and each step of a
task would look for all of them. A row of such a kind is written under the lock of its task, so
whoever has read the task under its lock knows whether there is any.
"""

from collections.abc import Collection, Mapping
from enum import IntFlag
from typing import Any, Final

from sqlalchemy import Integer, bindparam, update

from assignment_svc.store.due import DueTable
from assignment_svc.store.tables import tasks
from phoenix_runtime.chassis.data.unit import UnitParts


class Related(IntFlag):
    """The kinds; their sum is the column ``related``, which only grows.

    A revision names 15: no task from before it has an effect.
    """

    APPROVALS = 1
    CHILDREN = 2
    EXCLUSIONS = 4
    HANDOFFS = 8
    EFFECTS = 16


MARK: Final = (
    update(tasks)
    .where(tasks.c.tenant == bindparam("key_tenant"), tasks.c.task_id == bindparam("key_task_id"))
    .values(related=tasks.c.related.bitwise_or(bindparam("kind", type_=Integer)))
)


class RelatedTable(DueTable):
    """The base class of repositories whose rows belong to a task."""

    def __init__(self, parts: UnitParts) -> None:
        super().__init__(parts)
        self._related: dict[str, int] = {}

    def _note(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keep in mind what a task's row says; answers the row."""
        task_id = row["task_id"]
        self._related[task_id] = self._related.get(task_id, 0) | row["related"]
        return row

    def _may_have(self, kind: Related, task_ids: Collection[str]) -> list[str]:
        """Those of the tasks that have such rows, or whose own row was not read in this unit."""
        return [name for name in task_ids if self._related.get(name, kind) & kind]

    async def _mark(self, kind: Related, task_id: str) -> None:
        """Note that the task, which is locked, has such a row from now on."""
        known = self._related.get(task_id, 0)
        if not known & kind:
            parameters = {"key_tenant": self.tenant, "key_task_id": task_id, "kind": int(kind)}
            await self.connection.run(MARK, parameters)
            self._related[task_id] = known | kind
