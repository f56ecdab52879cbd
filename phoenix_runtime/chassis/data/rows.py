"""Statements inside one tenant, for the repositories of a unit.

Statements are built once and executed with parameters: building one takes as long as PostgreSQL
needs to answer it.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

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
from phoenix_runtime.chassis.data.writes import Write
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
        return await self.connection.fetch(statement, parameters)

    async def _total(self, statement: Select[Any], page: PageRequest) -> int:
        """How many rows ``statement`` has, at most `MOST_COUNTED`; 0 where nobody asks."""
        if not page.total:
            return 0
        matching = statement.with_only_columns(literal_column("1")).limit(MOST_COUNTED).subquery()
        return int(await self.connection.value(select(func.count()).select_from(matching)))

    async def _first(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any] | None:
        return await self.connection.first(statement, parameters)

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

    # Written together with what else the unit writes; a violated key is an error of the unit's end.

    async def _insert(self, table: Table, row: Mapping[str, Any]) -> None:
        await self._later(_insertion(table), table, row)

    async def _keep(self, table: Table, row: Mapping[str, Any]) -> None:
        """Insert unless a unique key is taken."""
        await self._later(_insertion_if_absent(table), table, row)

    async def _upsert(self, table: Table, row: Mapping[str, Any]) -> None:
        """Insert, or replace the row with the same primary key."""
        await self._later(_replacement(table, tuple(row)), table, row)

    async def _update(self, table: Table, key: Mapping[str, Any], row: Mapping[str, Any]) -> None:
        """Write the columns ``row`` of the row with the primary key ``key``.

        The unit ends with LookupError where there is none.
        """
        statement, parameters = _modification(table, tuple(key)), {**self._key(key), **row}
        named = {"tenant": self.tenant, **key}
        await self.connection.later(Write(table, named, statement, parameters, must_exist=True))

    async def _later(self, statement: Executable, table: Table, row: Mapping[str, Any]) -> None:
        written = {"tenant": self.tenant, **row}
        await self.connection.later(Write(table, written, statement, written))

    # Written at once.

    async def _insert_if_absent(self, table: Table, row: Mapping[str, Any]) -> bool:
        """Insert unless a unique key is taken; answers whether it was inserted."""
        parameters = {"tenant": self.tenant, **row}
        return bool(await self.connection.run(_insertion_if_absent(table), parameters))

    async def _update_where(
        self, table: Table, key: Mapping[str, Any], row: Mapping[str, Any]
    ) -> int:
        """Write the columns ``row`` of every row with ``key``; answers how many there were."""
        parameters = {**self._key(key), **row}
        return await self.connection.run(_modification(table, tuple(key)), parameters)

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
