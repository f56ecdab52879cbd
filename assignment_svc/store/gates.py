"""Stores gates: locked in every bind, offer, rebind and release, in the order of their ids."""

from collections.abc import Collection

from sqlalchemy import bindparam, or_, select

from assignment_svc.domain.gate import Gate
from assignment_svc.store.tables import gates, handoffs, tasks
from phoenix_runtime.chassis.data.mapper import RowMapper
from phoenix_runtime.chassis.data.rows import TenantRows
from phoenix_runtime.chassis.data.statements import one_of

MAPPER = RowMapper(Gate)
GATES_OF = select(gates).where(
    gates.c.tenant == bindparam("tenant"),
    one_of(gates.c.participant_id, "ids"),
)


class GateTable(TenantRows):
    """Implements `domain.rows.Gates`."""

    async def lock_gates(self, participant_ids: Collection[str]) -> dict[str, Gate]:
        """The gates under their row locks, taken by id; missing ones are made, closed.

        One statement a gate: a single one with ORDER BY may lock in another order.
        """
        locked = {}
        for participant_id in sorted(set(participant_ids)):
            locked[participant_id] = await self._lock_gate(participant_id)
        return locked

    async def _lock_gate(self, participant_id: str) -> Gate:
        row = await self._find(gates, participant_id=participant_id, lock=True)
        if row is None:
            await self._insert_if_absent(gates, MAPPER.row(Gate(participant_id)))
            row = await self._find(gates, participant_id=participant_id, lock=True)
        if row is None:
            raise LookupError(f"the gate of {participant_id} was inserted and is not there")
        return MAPPER.value(row)

    async def save_gates(self, changed: Collection[Gate]) -> None:
        """Write back locked gates; seldom more than two."""
        for gate in changed:
            row = MAPPER.row(gate)
            await self._update(gates, {"participant_id": row.pop("participant_id")}, row)

    async def find_gates(self, participant_ids: Collection[str]) -> dict[str, Gate]:
        """The gates as last committed, unlocked; missing ones are left out."""
        parameters = {"tenant": self.tenant, "ids": sorted(set(participant_ids))}
        rows = await self._all(GATES_OF, parameters)
        return {row["participant_id"]: MAPPER.value(row) for row in rows}

    async def busy_gates(self, after: str, *, limit: int) -> tuple[Gate, ...]:
        """Gates with used seats, or as the target of an open question, by id after ``after``."""
        parked = select(tasks.c.task_id).where(
            tasks.c.tenant == gates.c.tenant, tasks.c.parked_target_id == gates.c.participant_id
        )
        asked = select(handoffs.c.handoff_id).where(
            handoffs.c.tenant == gates.c.tenant,
            handoffs.c.offered_target_id == gates.c.participant_id,
        )
        busy = or_(gates.c.used > 0, parked.exists(), asked.exists())
        statement = (
            select(gates)
            .where(self._matching(gates), gates.c.participant_id > after, busy)
            .order_by(gates.c.participant_id)
            .limit(limit)
        )
        return tuple(MAPPER.value(row) for row in await self._all(statement))
