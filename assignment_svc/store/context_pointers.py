"""Stores the pointer of every recorded checkpoint."""

from typing import Final

from sqlalchemy import select

from assignment_svc.domain.context import ContextPointer
from assignment_svc.store.tables import context_pointers
from phoenix_runtime.chassis.data.mapper import RowMapper
from phoenix_runtime.chassis.data.paging import highest_first, page_of
from phoenix_runtime.chassis.data.rows import TenantRows
from phoenix_runtime.core.pages import Page, PageRequest

MAPPER: Final = RowMapper(ContextPointer)


class ContextPointerTable(TenantRows):
    """Implements `domain.rows.ContextPointers`."""

    async def add_pointer(self, pointer: ContextPointer) -> None:
        """Write a checkpoint's pointer."""
        await self._insert(context_pointers, MAPPER.row(pointer))

    async def find_pointer(self, task_id: str, version: int) -> ContextPointer | None:
        """One recorded pointer."""
        row = await self._find(context_pointers, task_id=task_id, version=version)
        return MAPPER.value(row) if row is not None else None

    async def list_pointers(self, task_id: str, page: PageRequest) -> Page[ContextPointer]:
        """The pointers of a task, newest first."""
        table = context_pointers
        statement = select(table).where(self._matching(table, task_id=task_id))
        rows = await self._all(highest_first(statement, table.c.version, page))
        pointers = [MAPPER.value(row) for row in rows]
        total = await self._total(statement, page)
        return page_of(pointers, page, lambda pointer: (pointer.version,), total)
