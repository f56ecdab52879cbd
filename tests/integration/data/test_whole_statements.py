"""Units that are one statement: it is the transaction, without BEGIN and COMMIT."""

import asyncio
import math
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from sqlalchemy import insert, text

from phoenix_runtime.chassis.data import pool as pool_module
from phoenix_runtime.chassis.data import unit as unit_module
from phoenix_runtime.chassis.data.connection import PooledConnection
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.outbox import VersionConflict
from phoenix_runtime.chassis.data.unit import Units
from phoenix_runtime.chassis.failpoints import AFTER_COMMIT, BEFORE_COMMIT
from phoenix_runtime.core.events import AuditEventType
from tests.support.builders.calls import call_of
from tests.support.sample.notes import NoteUnit, note_units
from tests.support.sample.store.tables import note
from tests.support.servers.postgres import DatabaseFor
from tests.support.waiting.until import until

WAITING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND query LIKE '%registry.note%'"
)


class Executed(list[str]):
    """The first word of each statement that the driver executes."""

    def note(self, patched: pytest.MonkeyPatch, name: str) -> None:
        method = getattr(PooledConnection, name)

        async def noted(one: PooledConnection, query: str, *rest: Any, **options: Any) -> Any:
            self.append("SET" if "set_config" in query[:20] else query.split(maxsplit=1)[0])
            return await method(one, query, *rest, **options)

        patched.setattr(PooledConnection, name, noted)


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> Executed:
    # However slow the machine is, no connection is asked whether it is still there, or closed.
    for name in ("TRUSTED_SECONDS", "UNUSED_SECONDS"):
        monkeypatch.setattr(pool_module, name, math.inf)
    noted = Executed()
    for name in ("execute", "fetch", "fetchrow"):
        noted.note(monkeypatch, name)
    return noted


async def units_of(database_for: DatabaseFor, pool: int = 5) -> Units[NoteUnit]:
    units, _ = note_units(await database_for("sample", pool=pool))
    return units


async def texts(units: Units[NoteUnit], tenant: str) -> list[str]:
    async with units.reading(call_of(tenant=tenant)) as unit:
        return await unit.texts()


async def put(units: Units[NoteUnit], tenant: str, note_id: str, text: str = "") -> None:
    async with units(call_of(tenant=tenant)) as unit:
        await unit.put(note_id, text or note_id)
        await unit.tell(note_id, 1)


async def test_a_unit_that_only_writes_is_one_statement(
    database_for: DatabaseFor, tenant: str, executed: Executed
) -> None:
    units = await units_of(database_for)
    await put(units, tenant, "a")
    executed.clear()
    await put(units, tenant, "b")
    assert executed == ["WITH"]
    assert await texts(units, tenant) == ["a", "b"]


async def test_a_unit_that_reads_first_is_a_transaction(
    database_for: DatabaseFor, tenant: str, executed: Executed
) -> None:
    units = await units_of(database_for)
    await put(units, f"{tenant}.b", "b")
    executed.clear()
    async with units(call_of(tenant=tenant)) as unit:
        assert await unit.texts() == []
        await unit.put("a", "a")
    assert executed == ["BEGIN", "SELECT", "WITH", "COMMIT"]


async def test_a_unit_that_does_nothing_asks_nothing(
    database_for: DatabaseFor, tenant: str, executed: Executed
) -> None:
    units = await units_of(database_for)
    async with units(call_of(tenant=tenant)):
        pass
    assert executed == []


async def test_a_statement_whose_answer_is_judged_is_rolled_back_where_it_is_refused(
    database_for: DatabaseFor, tenant: str, executed: Executed
) -> None:
    units = await units_of(database_for)
    for version in (1, 2):
        async with units(call_of(tenant=tenant)) as unit:
            await unit.tell("a", version)

    async def tell_too_late() -> None:
        async with units(call_of(tenant=tenant)) as unit:
            await unit.put("a", "a")
            await unit.tell("a", 4)

    async def change_what_is_not_there() -> None:
        async with units(call_of(tenant=tenant)) as unit:
            await unit.put("b", "b")
            await unit.amend("c", "x")

    for refused, error in (
        (tell_too_late, VersionConflict),
        (change_what_is_not_there, LookupError),
    ):
        executed.clear()
        with pytest.raises(error):
            await refused()
        assert executed == ["BEGIN", "WITH", "ROLLBACK"]
    assert await texts(units, tenant) == []


async def test_readers_and_writers_of_a_tenant_change_no_session(
    database_for: DatabaseFor, tenant: str, executed: Executed
) -> None:
    units = await units_of(database_for, pool=2)
    await put(units, tenant, "a")
    await texts(units, tenant)
    executed.clear()
    for name in ("b", "c"):
        await put(units, tenant, name)
        await texts(units, tenant)
    assert executed == ["WITH", "SELECT"] * 2


async def test_one_connection_serves_both_in_every_tenant(
    database_for: DatabaseFor, tenant: str
) -> None:
    units = await units_of(database_for, pool=1)
    tenants = (tenant, f"{tenant}.b")
    for name in ("a", "b"):
        for one in tenants:
            await put(units, one, name)
        for one in tenants:
            assert (await texts(units, one))[-1] == name
            async with units(call_of(tenant=one)) as unit:
                assert (await unit.texts())[-1] == name


async def test_a_unit_that_is_cancelled_while_its_statement_waits_leaves_nothing(
    database_for: DatabaseFor, tenant: str
) -> None:
    database = await database_for("sample")
    units = await units_of(database_for, pool=1)
    await put(units, f"{tenant}.b", "other")
    await put(units, tenant, "a")
    async with database.transaction(tenant) as other:
        await other.run(insert(note).values(tenant=tenant, note_id="b", text="x", version=1))
        waits = asyncio.create_task(put(units, tenant, "c", "x"))
        await until(_waits(database, tenant))
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
    assert await texts(units, tenant) == ["a", "x"]
    assert await texts(units, f"{tenant}.b") == ["other"]
    await put(units, tenant, "d")


async def test_a_key_that_is_taken_leaves_nothing_and_the_connection_goes_on(
    database_for: DatabaseFor, tenant: str
) -> None:
    units = await units_of(database_for, pool=1)
    await put(units, tenant, "a", "x")
    with pytest.raises(asyncpg.UniqueViolationError):
        await put(units, tenant, "b", "x")
    await put(units, tenant, "c", "z")
    assert await texts(units, tenant) == ["x", "z"]


@pytest.mark.parametrize(("point", "kept"), [(BEFORE_COMMIT, []), (AFTER_COMMIT, ["a"])])
async def test_who_dies_around_the_statement_dies_around_a_commit(
    database_for: DatabaseFor,
    tenant: str,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
    kept: list[str],
) -> None:
    units = await units_of(database_for)
    passed: list[str] = []

    def die(name: str, *known: str) -> None:
        passed.append(name)
        assert known == (tenant, AuditEventType.CAPABILITIES_UPDATED)
        if name == point:
            raise _Died

    monkeypatch.setattr(unit_module, "passing", die)
    with pytest.raises(_Died):
        await put(units, tenant, "a")
    assert passed[-1] == point
    assert await texts(units, tenant) == kept


class _Died(Exception):
    pass


def _waits(database: Database, tenant: str) -> Callable[[], Any]:
    async def waiting() -> bool:
        async with database.reading(tenant) as connection:
            return bool(await connection.value(WAITING))

    return waiting
