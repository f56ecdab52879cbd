"""Stores every acquisition of every task, one an epoch."""

from datetime import datetime
from typing import Final

from assignment_svc.domain.task import BindingRecord
from assignment_svc.store.tables import bindings
from phoenix_runtime.chassis.data.mapper import RowMapper
from phoenix_runtime.chassis.data.rows import TenantRows

MAPPER: Final = RowMapper(BindingRecord, flattened=("binding",))


class BindingTable(TenantRows):
    """Implements `domain.rows.Bindings`."""

    async def add_binding(self, record: BindingRecord) -> None:
        """Write an acquisition."""
        await self._insert(bindings, MAPPER.row(record))

    async def end_binding(self, task_id: str, epoch: int, *, at: datetime, by: str) -> None:
        """Write how an acquisition ended."""
        key = {"task_id": task_id, "epoch": epoch}
        await self._update(bindings, key, {"ended_at": at, "ended_by": by})

    async def bindings_of(self, task_id: str) -> tuple[BindingRecord, ...]:
        """Every acquisition of a task, oldest first."""
        rows = await self._find_all(bindings, ["epoch"], task_id=task_id)
        return tuple(MAPPER.value(row) for row in rows)
