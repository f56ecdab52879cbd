"""References to state that lives elsewhere: immutable once stored."""

from dataclasses import asdict

from sqlalchemy import Select, and_, select
from sqlalchemy.dialects.postgresql import insert

from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.core.principal import Call
from state_svc.domain.ports import ReferenceKey
from state_svc.domain.reference import HandoffProtocol, StateReference
from state_svc.store.tables import state_references as table


class StoredReferences:
    """Implements `state_svc.domain.ports.References` on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(
        self, call: Call, key: ReferenceKey, reference: StateReference
    ) -> StateReference:
        """Store ``reference`` unless there is one; answer the one that is there, committed."""
        row = insert(table).values(
            tenant=call.tenant,
            **asdict(key),
            state_ref=reference.state_ref,
            owner=reference.owner,
            handoff_protocol=reference.handoff_protocol.value,
            stored_at=self._database.clock.now(),
        )
        async with self._database.transaction(call.tenant) as connection:
            await connection.execute(row.on_conflict_do_nothing())
            kept = (await connection.execute(_chosen(call, key))).one()
        return _reference(key, kept.state_ref, kept.owner, kept.handoff_protocol)

    async def read(self, call: Call, key: ReferenceKey) -> StateReference | None:
        """The reference stored under ``key``; None where there is none."""
        async with self._database.reading(call.tenant) as connection:
            found = (await connection.execute(_chosen(call, key))).one_or_none()
        if found is None:
            return None
        return _reference(key, found.state_ref, found.owner, found.handoff_protocol)


def _chosen(call: Call, key: ReferenceKey) -> Select[tuple[str, str, str]]:
    return select(table.c.state_ref, table.c.owner, table.c.handoff_protocol).where(
        and_(
            table.c.tenant == call.tenant,
            table.c.task_id == key.task_id,
            table.c.version == key.version,
            table.c.participant_id == key.participant_id,
            table.c.epoch == key.epoch,
            table.c.hash == key.hash,
        )
    )


def _reference(
    key: ReferenceKey, state_ref: str, owner: str, handoff_protocol: str
) -> StateReference:
    return StateReference(state_ref, key.hash, owner, HandoffProtocol(handoff_protocol))
