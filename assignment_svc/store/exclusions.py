"""Stores who is not asked for a task, and what was denied last."""

from typing import Final

from sqlalchemy.dialects.postgresql import insert

from assignment_svc.domain.task import Exclusion
from assignment_svc.store.related import Related, RelatedTable
from assignment_svc.store.tables import denials, exclusions
from phoenix_runtime.chassis.data.mapper import RowMapper

MAPPER: Final = RowMapper(Exclusion)


class ExclusionTable(RelatedTable):
    """Implements `domain.rows.Exclusions`."""

    async def exclusions(self, task_id: str) -> tuple[Exclusion, ...]:
        """Everybody who is, or was, not asked for a task."""
        if not self._may_have(Related.EXCLUSIONS, [task_id]):
            return ()
        rows = await self._find_all(exclusions, ["participant_id"], task_id=task_id)
        return tuple(MAPPER.value(row) for row in rows)

    async def exclude(self, entry: Exclusion) -> None:
        """Write or replace one entry; its task is locked."""
        await self._mark(Related.EXCLUSIONS, entry.task_id)
        await self._upsert(exclusions, MAPPER.row(entry))

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
        return bool(await self.connection.run(statement))
