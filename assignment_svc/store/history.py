"""What belongs to a task: acquisitions, checkpoints, who is left out, what was denied."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from assignment_svc.domain.context import ContextPointer
from assignment_svc.domain.task import BindingRecord, Exclusion
from assignment_svc.store.tables import bindings, context_pointers, denials, exclusions
from phoenix_runtime.chassis.data.mapper import RowMapper
from phoenix_runtime.chassis.data.paging import highest_first, page_of
from phoenix_runtime.chassis.data.rows import TenantRows
from phoenix_runtime.core.pages import Page, PageRequest

BINDINGS = RowMapper(BindingRecord, flattened=("binding",))
POINTERS = RowMapper(ContextPointer)
EXCLUSIONS = RowMapper(Exclusion)


class HistoryTables(TenantRows):
    """What belongs to the tasks of the unit's tenant."""

    async def add_binding(self, record: BindingRecord) -> None:
        """Write an acquisition."""
        await self._insert(bindings, BINDINGS.row(record))

    async def end_binding(self, task_id: str, epoch: int, *, at: datetime, by: str) -> None:
        """Write how an acquisition ended."""
        key = {"task_id": task_id, "epoch": epoch}
        await self._update(bindings, key, {"ended_at": at, "ended_by": by})

    async def bindings_of(self, task_id: str) -> tuple[BindingRecord, ...]:
        """Every acquisition of a task, oldest first."""
        rows = await self._find_all(bindings, ["epoch"], task_id=task_id)
        return tuple(BINDINGS.value(row) for row in rows)

    async def add_pointer(self, pointer: ContextPointer) -> None:
        """Write a checkpoint's pointer."""
        await self._insert(context_pointers, POINTERS.row(pointer))

    async def find_pointer(self, task_id: str, version: int) -> ContextPointer | None:
        """One recorded pointer."""
        row = await self._find(context_pointers, task_id=task_id, version=version)
        return POINTERS.value(row) if row is not None else None

    async def list_pointers(self, task_id: str, page: PageRequest) -> Page[ContextPointer]:
        """The pointers of a task, newest first."""
        table = context_pointers
        statement = select(table).where(self._matching(table, task_id=task_id))
        rows = await self._all(highest_first(statement, table.c.version, page))
        pointers = [POINTERS.value(row) for row in rows]
        return page_of(pointers, page, lambda pointer: (pointer.version,))

    async def exclusions(self, task_id: str) -> tuple[Exclusion, ...]:
        """Everybody who is, or was, not asked for a task."""
        rows = await self._find_all(exclusions, ["participant_id"], task_id=task_id)
        return tuple(EXCLUSIONS.value(row) for row in rows)

    async def exclude(self, entry: Exclusion) -> None:
        """Write or replace one entry."""
        await self._upsert(exclusions, EXCLUSIONS.row(entry))

    async def denial_changed(
        self, task_id: str, participant_id: str, *, point: str, reasons_hash: str
    ) -> bool:
        """Remember a denial; True where it is the first or differs from the last one."""
        statement = insert(denials).values(
            tenant=self.tenant,
            task_id=task_id,
            participant_id=participant_id,
            point=point,
            reasons_hash=reasons_hash,
        )
        statement = statement.on_conflict_do_update(
            index_elements=["tenant", "task_id", "participant_id", "point"],
            set_={"reasons_hash": statement.excluded.reasons_hash},
            where=denials.c.reasons_hash != statement.excluded.reasons_hash,
        )
        return bool((await self.connection.execute(statement)).rowcount)
