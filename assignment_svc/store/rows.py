"""What every repository of a unit stands on: one connection, one tenant."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, Executable, Table, and_, insert, update
from sqlalchemy.dialects.postgresql import insert as upsert

from phoenix_runtime.chassis.unit import Unit


class Rows(Unit):
    """Statements inside the unit's tenant; every key begins with it."""

    def _mine(self, table: Table, **key: object) -> ColumnElement[bool]:
        """The condition for this tenant's rows with ``key``."""
        matches = (table.c[name] == value for name, value in key.items())
        return and_(table.c.tenant == self.tenant, *matches)

    async def _all(self, statement: Executable) -> Sequence[Mapping[str, Any]]:
        result = await self.connection.execute(statement)
        return cast("Sequence[Mapping[str, Any]]", result.mappings().all())

    async def _first(self, statement: Executable) -> Mapping[str, Any] | None:
        result = await self.connection.execute(statement)
        return cast("Mapping[str, Any] | None", result.mappings().first())

    async def _insert(self, table: Table, row: Mapping[str, Any]) -> None:
        await self.connection.execute(insert(table).values(tenant=self.tenant, **row))

    async def _insert_new(self, table: Table, row: Mapping[str, Any]) -> bool:
        """Insert unless a unique key is taken; whether it was inserted."""
        statement = upsert(table).values(tenant=self.tenant, **row).on_conflict_do_nothing()
        result = await self.connection.execute(statement)
        return bool(result.rowcount)

    async def _put(self, table: Table, row: Mapping[str, Any]) -> None:
        """Insert or replace by primary key."""
        keys = [column.name for column in table.primary_key]
        statement = upsert(table).values(tenant=self.tenant, **row)
        changes = {name: statement.excluded[name] for name in row if name not in keys}
        await self.connection.execute(
            statement.on_conflict_do_update(index_elements=keys, set_=changes)
        )

    async def _change(self, table: Table, key: Mapping[str, Any], row: Mapping[str, Any]) -> None:
        """Write back one row; raises LookupError where it is gone."""
        statement = update(table).where(self._mine(table, **key)).values(**row)
        result = await self.connection.execute(statement)
        if result.rowcount != 1:
            raise LookupError(f"{table.name}: no row {dict(key)}")
