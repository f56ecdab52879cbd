"""Transactions that know their tenant, on a real PostgreSQL."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import insert, select, text

from phoenix_runtime.chassis.data.connection import PooledConnection
from phoenix_runtime.chassis.data.pool import Pool
from tests.support.builders.calls import call_of
from tests.support.sample.notes import note_units
from tests.support.sample.store.tables import note
from tests.support.servers.postgres import DatabaseFor


async def test_a_query_that_forgot_its_tenant_finds_only_its_own(
    database_for: DatabaseFor, tenant: str
) -> None:
    units, _ = note_units(await database_for("sample"))
    for name in (tenant, f"{tenant}.b"):
        async with units(call_of(tenant=name)) as unit:
            await unit.add("n1", f"of {name}")
    async with units(call_of(tenant=tenant)) as unit:
        assert await unit.texts() == [f"of {tenant}"]


async def test_a_row_of_another_tenant_cannot_be_written(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("sample")
    foreign = insert(note).values(tenant="other", note_id="n1", text="x", version=1)
    with pytest.raises(asyncpg.PostgresError, match="row-level security"):
        async with database.transaction(tenant) as connection:
            await connection.run(foreign)


async def test_a_connection_used_before_finds_nothing_without_a_tenant(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("sample", pool=1)
    async with database.transaction(tenant) as connection:
        await connection.run(insert(note).values(tenant=tenant, note_id="n1", text="x", version=1))
    async with database.claiming() as connection:
        assert await connection.fetch(select(note)) == []


async def test_whoever_read_in_a_tenant_leaves_no_sight_of_it(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("sample", pool=1)
    units, _ = note_units(database)
    other = f"{tenant}.b"
    for name in (tenant, other):
        async with units(call_of(tenant=name)) as unit:
            await unit.add("n1", f"of {name}")
    for name in (tenant, other, other, tenant):
        async with units.reading(call_of(tenant=name)) as unit:
            assert await unit.texts() == [f"of {name}"]
        async with units(call_of(tenant=other)) as unit:
            assert await unit.texts() == [f"of {other}"]
    async with database.claiming() as connection:
        assert await connection.fetch(select(note)) == []


async def test_a_reader_that_was_interrupted_while_it_changed_tenants_leaves_neither(
    database_for: DatabaseFor, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await database_for("sample", pool=1)
    units, _ = note_units(database)
    other = f"{tenant}.b"
    async with units(call_of(tenant=tenant)) as unit:
        await unit.add("n1", "x")
    async with units.reading(call_of(tenant=tenant)) as unit:
        assert await unit.texts() == ["x"]

    async def interrupted(self: Pool, raw: PooledConnection, statement: str) -> None:
        await raw.execute(statement)
        self._keep(raw)
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(Pool, "_ask", interrupted)
        with pytest.raises(asyncio.CancelledError):
            async with units.reading(call_of(tenant=other)):
                pass
    async with units.reading(call_of(tenant=tenant)) as unit:
        assert await unit.texts() == ["x"]


async def test_a_connection_that_was_read_on_writes_in_its_next_transaction(
    database_for: DatabaseFor, tenant: str
) -> None:
    units, _ = note_units(await database_for("sample", pool=1))
    async with units.reading(call_of(tenant=tenant)) as unit:
        assert await unit.texts() == []
    async with units(call_of(tenant=tenant)) as unit:
        await unit.add("n1", "x")
    async with units.reading(call_of(tenant=tenant)) as unit:
        assert await unit.texts() == ["x"]


async def test_the_worker_sees_keys_and_claims_of_every_tenant_and_nothing_else(
    database_for: DatabaseFor, tenant: str
) -> None:
    units, _ = note_units(await database_for("sample"))
    async with units(call_of(tenant=tenant)) as unit:
        await unit.add("n1", "secret")
    worker = await database_for("sample", role="worker")
    async with worker.claiming() as connection:
        found = select(note.c.note_id, note.c.claimed_until).where(note.c.tenant == tenant)
        assert [tuple(row.values()) for row in await connection.fetch(found)] == [("n1", None)]
    with pytest.raises(asyncpg.PostgresError, match="permission denied"):
        async with worker.claiming() as connection:
            await connection.fetch(select(note.c.text))


async def test_even_the_owner_of_a_table_finds_no_row(
    database_for: DatabaseFor, tenant: str
) -> None:
    units, _ = note_units(await database_for("sample"))
    async with units(call_of(tenant=tenant)) as unit:
        await unit.add("n1", "x")
    owner = await database_for("sample", role="owner")
    async with owner.reading(tenant) as connection:
        assert await connection.fetch(select(note.c.text)) == []


async def test_a_failed_transaction_leaves_nothing_and_the_connection_goes_on(
    database_for: DatabaseFor, tenant: str
) -> None:
    units, _ = note_units(await database_for("sample", pool=1))
    async with units(call_of(tenant=tenant)) as unit:
        await unit.add("n1", "x")

    async def add_two() -> None:
        async with units(call_of(tenant=tenant)) as unit:
            await unit.add("n2", "y")
            await unit.add("n3", "x")

    with pytest.raises(asyncpg.UniqueViolationError) as failed:
        await add_two()
    assert failed.value.constraint_name == "note_tenant_text_key"
    async with units(call_of(tenant=tenant)) as unit:
        assert await unit.texts() == ["x"]


async def test_a_failed_statement_that_nobody_passed_on_is_no_commit(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("sample")

    async def go_on_after_an_error() -> None:
        async with database.transaction(tenant) as connection:
            with pytest.raises(asyncpg.PostgresError):
                await connection.fetch(text("SELECT nonsense"))

    with pytest.raises(RuntimeError, match="its error was ignored"):
        await go_on_after_an_error()


async def test_reading_cannot_write(database_for: DatabaseFor, tenant: str) -> None:
    database = await database_for("sample")
    row = insert(note).values(tenant=tenant, note_id="n1", text="x", version=1)
    with pytest.raises(Exception, match="read-only transaction"):
        async with database.reading(tenant) as connection:
            await connection.run(row)


@pytest.mark.parametrize("name", ["", "a'b", "x'; DROP TABLE note; --", "A B"])
async def test_what_is_no_identifier_is_no_tenant(database_for: DatabaseFor, name: str) -> None:
    database = await database_for("sample")
    with pytest.raises(ValueError, match="identifier"):
        async with database.transaction(name):
            pass


async def test_whoever_waits_for_a_connection_is_not_overtaken(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("sample", pool=1)
    order: list[str] = []

    async def take(name: str) -> None:
        async with database.reading(tenant):
            order.append(name)

    async with database.reading(tenant):
        waiting = asyncio.create_task(take("first"))
        for _ in range(10):
            await asyncio.sleep(0)
    await take("second")
    await waiting
    assert order == ["first", "second"]
