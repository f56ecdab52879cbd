"""Stores gates: locked in every bind, offer, rebind and release, in the order of their ids."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import Text, bindparam, column, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from assignment_svc.domain.gate import Gate
from assignment_svc.store.tables import gates, handoffs, tasks
from phoenix_runtime.chassis.data.database_errors import TransactionConflict
from phoenix_runtime.chassis.data.mapper import RowMapper
from phoenix_runtime.chassis.data.rows import TenantRows
from phoenix_runtime.chassis.data.statements import one_of
from phoenix_runtime.core.standing import Standing

MAPPER = RowMapper(Gate)
GATES_OF = select(gates).where(
    gates.c.tenant == bindparam("tenant"),
    one_of(gates.c.participant_id, "ids"),
)
BUSY: Final = or_(
    gates.c.used > 0,
    select(tasks.c.task_id)
    .where(tasks.c.tenant == gates.c.tenant, tasks.c.parked_target_id == gates.c.participant_id)
    .exists(),
    select(handoffs.c.handoff_id)
    .where(
        handoffs.c.tenant == gates.c.tenant,
        handoffs.c.offered_target_id == gates.c.participant_id,
    )
    .exists(),
)
"""Seats are in use, or it is the target of an open question."""
BUSY_GATES: Final = (
    select(gates)
    .where(gates.c.tenant == bindparam("tenant"), gates.c.participant_id > bindparam("after"), BUSY)
    .order_by(gates.c.participant_id)
    .limit(bindparam("limit"))
)
_CLOSED: Final = {k: v for k, v in MAPPER.row(Gate("")).items() if k != "participant_id"}
STANDING: Final = ("capacity", "standing_revision", "generation", "status")
"""The columns that a gate has of a standing."""
_WANTED: Final = (
    func.unnest(bindparam("ids", type_=ARRAY(Text)))
    .table_valued(column("participant_id", Text), name="wanted")
    .render_derived()
)
_MADE: Final = (
    insert(gates)
    .from_select(
        ["tenant", "participant_id", *_CLOSED],
        select(
            bindparam("tenant", type_=Text),
            _WANTED.c.participant_id,
            *(literal(value, gates.c[name].type) for name, value in _CLOSED.items()),
        ),
    )
    .on_conflict_do_nothing()
    .returning(gates.c.participant_id)
    .cte("made")
)
_THERE: Final = gates.alias("there")
LOCK: Final = (
    select(gates)
    .where(
        gates.c.tenant == bindparam("tenant"),
        one_of(gates.c.participant_id, "ids"),
        select(func.count()).select_from(_MADE).scalar_subquery()
        + select(func.count())
        .select_from(_THERE)
        .where(
            _THERE.c.tenant == bindparam("tenant"),
            one_of(_THERE.c.participant_id, "ids"),
        )
        .scalar_subquery()
        == func.cardinality(bindparam("ids", type_=ARRAY(Text))),
    )
    .order_by(gates.c.participant_id.collate("C"))
    .with_for_update(of=gates)
)
"""Makes the missing ones, by id, then locks those that were there before, by id.

Where somebody else made one meanwhile, which this statement does not see, it locks none: those that
follow would be locked before that one.
"""
_COLUMNS: Final = ("participant_id", *_CLOSED)
_BROUGHT: Final = (
    func.unnest(*(bindparam(name, type_=ARRAY(gates.c[name].type)) for name in _COLUMNS))
    .table_valued(*(column(name, gates.c[name].type) for name in _COLUMNS))
    .render_derived("brought")
)
_NEW: Final = insert(gates).from_select(
    ["tenant", *_COLUMNS],
    select(bindparam("tenant", type_=Text), *_BROUGHT.c),
)
BRING_UP: Final = _NEW.on_conflict_do_update(
    index_elements=list(gates.primary_key),
    set_={name: _NEW.excluded[name] for name in STANDING},
    where=gates.c.standing_revision < _NEW.excluded.standing_revision,
)
"""`Gate.brought_up` for many, in the order in which they are given: by id."""
ATTEMPTS: Final = 5
"""Each time but the first because somebody made a gate at that moment."""


class GateTable(TenantRows):
    """Implements `domain.rows.Gates`."""

    async def lock_gates(self, participant_ids: Collection[str]) -> dict[str, Gate]:
        """The gates under their row locks, taken by id; missing ones are made, closed.

        The ids of the rows never change, so that PostgreSQL locks in the order in which it sorts.
        """
        ids = sorted(set(participant_ids))
        if len(ids) == 1:
            return {ids[0]: await self._lock_gate(ids[0])}
        for _ in range(ATTEMPTS if ids else 0):
            rows = await self._all(LOCK, {"tenant": self.tenant, "ids": ids})
            if len(rows) == len(ids):
                return {row["participant_id"]: MAPPER.value(row) for row in rows}
        if ids:
            raise TransactionConflict("Others made the same gates again and again")
        return {}

    async def _lock_gate(self, participant_id: str) -> Gate:
        row = await self._find(gates, participant_id=participant_id, lock=True)
        if row is None:
            made = Gate(participant_id)
            if await self._insert_if_absent(gates, MAPPER.row(made)):
                return made  # locked: nobody else sees it before the commit
            row = await self._find(gates, participant_id=participant_id, lock=True)
        if row is None:
            raise LookupError(f"the gate of {participant_id} was inserted and is not there")
        return MAPPER.value(row)

    async def save_gates(self, changed: Collection[Gate]) -> None:
        """Write back locked gates; seldom more than two."""
        for gate in changed:
            row = MAPPER.row(gate)
            await self._update(gates, {"participant_id": row.pop("participant_id")}, row)

    async def bring_up_gates(self, standings: Collection[Standing]) -> None:
        """Apply standings that are newer than what their gates reflect; missing ones are made."""
        brought = [Gate(one.participant_id).brought_up(one) for one in standings]
        rows = [MAPPER.row(gate) for gate in sorted(brought, key=lambda gate: gate.participant_id)]
        columns = {name: [row[name] for row in rows] for name in _COLUMNS}
        await self.connection.run(BRING_UP, {"tenant": self.tenant, **columns})

    async def find_gates(self, participant_ids: Collection[str]) -> dict[str, Gate]:
        """The gates as last committed, unlocked; missing ones are left out."""
        parameters = {"tenant": self.tenant, "ids": sorted(set(participant_ids))}
        rows = await self._all(GATES_OF, parameters)
        return {row["participant_id"]: MAPPER.value(row) for row in rows}

    async def busy_gates(self, after: str, *, limit: int) -> tuple[Gate, ...]:
        """Gates that are `BUSY`, by id after ``after``."""
        parameters = {"tenant": self.tenant, "after": after, "limit": limit}
        return tuple(MAPPER.value(row) for row in await self._all(BUSY_GATES, parameters))
