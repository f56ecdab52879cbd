"""Rows that a unit only writes: together at its end, and before whatever it reads."""

from typing import Any

import asyncpg
import pytest

from phoenix_runtime.chassis.data.connection import PooledConnection
from phoenix_runtime.chassis.data.outbox import Outbox
from phoenix_runtime.chassis.data.rows import TenantRows
from phoenix_runtime.chassis.data.unit import Units
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.events import AuditDraft, AuditEventType
from tests.support.builders.calls import call_of
from tests.support.sample.store.tables import metadata, note
from tests.support.servers.postgres import DatabaseFor


class Notes(TenantRows):
    """Notes, written as repositories write."""

    async def add(self, note_id: str, text: str) -> None:
        await self._insert(note, {"note_id": note_id, "text": text, "version": 1})

    async def change(self, note_id: str, **columns: object) -> None:
        await self._update(note, {"note_id": note_id}, columns)

    async def replace(self, note_id: str, text: str) -> None:
        await self._upsert(note, {"note_id": note_id, "text": text, "version": 2})

    async def keep(self, note_id: str, text: str) -> None:
        await self._keep(note, {"note_id": note_id, "text": text, "version": 3})

    async def found(self) -> list[tuple[str, str, int]]:
        rows = await self._find_all(note, ["note_id"])
        return [(row["note_id"], row["text"], row["version"]) for row in rows]


async def opened(database_for: DatabaseFor) -> Units[Notes]:
    database = await database_for("sample")
    outbox = Outbox("registry", metadata, clock=database.clock, new_id=new_id)
    return Units(database, Notes, outbox, new_id)


async def test_what_is_only_written_goes_with_the_event_in_one_statement(
    database_for: DatabaseFor, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    fetchrow = PooledConnection.fetchrow

    async def noted(self: PooledConnection, query: str, *arguments: Any, **options: Any) -> Any:
        statements.append(query)
        return await fetchrow(self, query, *arguments, **options)

    units = await opened(database_for)
    monkeypatch.setattr(PooledConnection, "fetchrow", noted)
    async with units(call_of(tenant=tenant)) as unit:
        await unit.add("m", "x")
        await unit.add("n", "y")
        await unit.audit(
            AuditDraft(AuditEventType.CAPABILITIES_UPDATED, aggregate="note/m", aggregate_version=1)
        )
    (statement,) = statements
    assert statement.count("INSERT INTO registry.note") == 2
    assert "registry.outbox" in statement
    async with units.reading(call_of(tenant=tenant)) as unit:
        assert await unit.found() == [("m", "x", 1), ("n", "y", 1)]


async def test_a_read_sees_what_was_written_before(database_for: DatabaseFor, tenant: str) -> None:
    units = await opened(database_for)
    async with units(call_of(tenant=tenant)) as unit:
        await unit.add("m", "x")
        assert await unit.found() == [("m", "x", 1)]
        await unit.change("m", text="y")
        assert await unit.found() == [("m", "y", 1)]


async def test_a_row_that_is_written_twice_has_both_in_their_order(
    database_for: DatabaseFor, tenant: str
) -> None:
    units = await opened(database_for)
    async with units(call_of(tenant=tenant)) as unit:
        await unit.add("m", "x")
        await unit.change("m", text="y")
        await unit.change("m", version=7)
        await unit.replace("n", "z")
        await unit.keep("n", "w")
    async with units.reading(call_of(tenant=tenant)) as unit:
        assert await unit.found() == [("m", "y", 7), ("n", "z", 2)]


async def test_a_row_that_is_not_there_takes_the_whole_unit_back(
    database_for: DatabaseFor, tenant: str
) -> None:
    units = await opened(database_for)

    async def change_nothing() -> None:
        async with units(call_of(tenant=tenant)) as unit:
            await unit.add("m", "x")
            await unit.change("n", text="y")

    with pytest.raises(LookupError, match="note: no row"):
        await change_nothing()
    async with units.reading(call_of(tenant=tenant)) as unit:
        assert await unit.found() == []


async def test_who_reads_writes_nothing_later_either(
    database_for: DatabaseFor, tenant: str
) -> None:
    units = await opened(database_for)

    async def write_while_reading() -> None:
        async with units.reading(call_of(tenant=tenant)) as unit:
            await unit.add("m", "x")

    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await write_while_reading()
