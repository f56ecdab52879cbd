"""Statements inside one tenant, for the repositories of a unit.

Statements are built once and executed with parameters: building one takes as long as PostgreSQL
needs to answer it.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, cast

from sqlalchemy import (
    ColumnElement,
    Executable,
    Insert,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from phoenix_runtime.chassis.data.unit import Unit
from phoenix_runtime.core.pages import MOST_COUNTED, PageRequest

KEY: Final = "key_"
"""Prefix of the parameters of a condition: an UPDATE sets columns by their bare names."""


class TenantRows(Unit):
    """Reads and writes rows of the unit's tenant; the base class of every repository."""

    def _matching(self, table: Table, **key: object) -> ColumnElement[bool]:
        """The condition for this tenant's rows with ``key``."""
        matches = (table.c[name] == value for name, value in key.items())
        return and_(table.c.tenant == self.tenant, *matches)

    async def _all(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[Mapping[str, Any]]:
        result = await self.connection.execute(statement, parameters)
        return cast("Sequence[Mapping[str, Any]]", result.mappings().all())

    async def _total(self, statement: Select[Any], page: PageRequest) -> int:
        """How many rows ``statement`` has, at most `MOST_COUNTED`; 0 where nobody asks."""
        if not page.total:
            return 0
        matching = statement.with_only_columns(literal_column("1")).limit(MOST_COUNTED).subquery()
        found = await self.connection.execute(select(func.count()).select_from(matching))
        return int(found.scalar_one())

    async def _first(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any] | None:
        result = await self.connection.execute(statement, parameters)
        return cast("Mapping[str, Any] | None", result.mappings().first())

    async def _find(
        self, table: Table, *, lock: bool = False, **key: object
    ) -> Mapping[str, Any] | None:
        """Read the one row with ``key``, under its row lock where ``lock`` is set."""
        return await self._first(_selection(table, tuple(key), lock=lock), self._key(key))

    async def _find_all(
        self, table: Table, order: Sequence[str], **key: object
    ) -> Sequence[Mapping[str, Any]]:
        """Read every row with ``key``, in the order of the columns ``order``."""
        return await self._all(_selection(table, tuple(key), order=tuple(order)), self._key(key))

    async def _insert(self, table: Table, row: Mapping[str, Any]) -> None:
        await self.connection.execute(_insertion(table), {"tenant": self.tenant, **row})

    async def _insert_if_absent(self, table: Table, row: Mapping[str, Any]) -> bool:
        """Insert unless a unique key is taken; answers whether it was inserted."""
        parameters = {"tenant": self.tenant, **row}
        result = await self.connection.execute(_insertion_if_absent(table), parameters)
        return bool(result.rowcount)

    async def _upsert(self, table: Table, row: Mapping[str, Any]) -> None:
        """Insert, or replace the row with the same primary key."""
        parameters = {"tenant": self.tenant, **row}
        await self.connection.execute(_replacement(table, tuple(row)), parameters)

    async def _update(self, table: Table, key: Mapping[str, Any], row: Mapping[str, Any]) -> None:
        """Write the columns ``row`` of the row with ``key``; raises LookupError without one."""
        if not await self._update_where(table, key, row):
            raise LookupError(f"{table.name}: no row {dict(key)}")

    async def _update_where(
        self, table: Table, key: Mapping[str, Any], row: Mapping[str, Any]
    ) -> int:
        """Write the columns ``row`` of every row with ``key``; answers how many there were."""
        result = await self.connection.execute(
            _modification(table, tuple(key)), {**self._key(key), **row}
        )
        return int(result.rowcount)

    def _key(self, key: Mapping[str, object]) -> dict[str, object]:
        named = {f"{KEY}{name}": value for name, value in key.items()}
        return {f"{KEY}tenant": self.tenant, **named}


def _matches(table: Table, key: tuple[str, ...]) -> ColumnElement[bool]:
    return and_(*(table.c[name] == bindparam(f"{KEY}{name}") for name in ("tenant", *key)))


@cache
def _selection(
    table: Table, key: tuple[str, ...], *, lock: bool = False, order: tuple[str, ...] = ()
) -> Select[Any]:
    statement = select(table).where(_matches(table, key))
    statement = statement.order_by(*(table.c[name] for name in order))
    return statement.with_for_update() if lock else statement


@cache
def _insertion(table: Table) -> Insert:
    return insert(table)


@cache
def _insertion_if_absent(table: Table) -> Insert:
    return upsert(table).on_conflict_do_nothing()


@cache
def _replacement(table: Table, columns: tuple[str, ...]) -> Insert:
    keys = [column.name for column in table.primary_key]
    statement = upsert(table)
    changes = {name: statement.excluded[name] for name in columns if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changes)


@cache
def _modification(table: Table, key: tuple[str, ...]) -> Update:
    return update(table).where(_matches(table, key))
