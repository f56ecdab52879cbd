"""Stores references to state that lives elsewhere: immutable once written."""

from typing import Final

from phoenix_runtime.chassis.data.mapper import RowMapper
from phoenix_runtime.chassis.data.rows import TenantRows
from state_svc.domain.reference import ReferenceKey, StateReference
from state_svc.store.tables import state_references

KEYS: Final = RowMapper(ReferenceKey)
REFERENCES: Final = RowMapper(StateReference)


class ReferenceTable(TenantRows):
    """Implements `domain.ports.References`."""

    async def add_reference(self, key: ReferenceKey, reference: StateReference) -> StateReference:
        """Store ``reference`` unless ``key`` is taken; answers the one that is there now."""
        row = KEYS.row(key) | REFERENCES.row(reference) | {"stored_at": self.clock.now()}
        await self._insert_if_absent(state_references, row)
        stored = await self.find_reference(key)
        if stored is None:
            raise LookupError(f"the reference {key} was inserted and is not there")
        return stored

    async def find_reference(self, key: ReferenceKey) -> StateReference | None:
        """The reference stored under ``key``; None where there is none."""
        row = await self._find(state_references, **KEYS.row(key))
        return REFERENCES.value(row) if row is not None else None
