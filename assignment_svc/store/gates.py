"""Gates, as rows: locked in every bind, offer, rebind and release, always by id."""

from collections.abc import Collection

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from assignment_svc.domain.gate import Gate
from assignment_svc.store.records import Record
from assignment_svc.store.rows import Rows
from assignment_svc.store.tables import gates, handoffs, tasks

RECORD = Record(Gate)


class GateTable(Rows):
    """Gates of the unit's tenant."""

    async def lock_gates(self, participant_ids: Collection[str]) -> dict[str, Gate]:
        """The gates under their row locks, taken by id; missing ones are made, closed.

        Taken one by one: a single statement with ORDER BY may lock in another order than it shows.
        """
        locked = {}
        for participant_id in sorted(set(participant_ids)):
            locked[participant_id] = await self._lock_gate(participant_id)
        return locked

    async def _lock_gate(self, participant_id: str) -> Gate:
        mine = self._mine(gates, participant_id=participant_id)
        statement = select(gates).where(mine).with_for_update()
        row = await self._first(statement)
        if row is None:
            await self._insert_new(gates, RECORD.row(Gate(participant_id)))
            row = await self._first(statement)
        if row is None:
            raise LookupError(f"the gate of {participant_id} was made a moment ago and is gone")
        return RECORD.value(row)

    async def save_gates(self, changed: Collection[Gate]) -> None:
        """Write back locked gates in one statement."""
        if not changed:
            return
        rows = [{"tenant": self.tenant, **RECORD.row(gate)} for gate in changed]
        statement = insert(gates).values(rows)
        fields = [name for name in rows[0] if name not in {"tenant", "participant_id"}]
        changes = {name: statement.excluded[name] for name in fields}
        keys = ["tenant", "participant_id"]
        await self.connection.execute(
            statement.on_conflict_do_update(index_elements=keys, set_=changes)
        )

    async def find_gates(self, participant_ids: Collection[str]) -> dict[str, Gate]:
        """The gates as last committed, unlocked; missing ones are left out."""
        wanted = gates.c.participant_id.in_(sorted(set(participant_ids)))
        rows = await self._all(select(gates).where(self._mine(gates), wanted))
        return {row["participant_id"]: RECORD.value(row) for row in rows}

    async def busy_gates(self, after: str, *, limit: int) -> tuple[Gate, ...]:
        """Gates with used seats, or that a parked question is about, by id after ``after``."""
        parked = select(tasks.c.task_id).where(
            tasks.c.tenant == gates.c.tenant, tasks.c.parked_target == gates.c.participant_id
        )
        asked = select(handoffs.c.handoff_id).where(
            handoffs.c.tenant == gates.c.tenant, handoffs.c.offered_to == gates.c.participant_id
        )
        busy = or_(gates.c.used > 0, parked.exists(), asked.exists())
        statement = (
            select(gates)
            .where(self._mine(gates), gates.c.participant_id > after, busy)
            .order_by(gates.c.participant_id)
            .limit(limit)
        )
        return tuple(RECORD.value(row) for row in await self._all(statement))
