"""Connections are kept by what their sessions may, under one bound, and nobody starves."""

import asyncio
import math
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy import text

from phoenix_runtime.chassis.data import pool
from phoenix_runtime.chassis.data.connecting import DatabaseOptions, create_database
from phoenix_runtime.chassis.data.connection import PooledConnection
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.clock import ManualClock
from tests.support.servers.postgres import PostgresServer
from tests.support.waiting.until import PATIENCE, until

SIZE = 3
PROCESS = text("SELECT pg_backend_pid()")
EVERYBODY = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE application_name = current_setting('application_name')"
)
SESSION = text(
    "SELECT current_setting('phoenix.tenant') || ' ' || current_setting('transaction_read_only')"
)


@pytest_asyncio.fixture
async def database(
    postgres: PostgresServer, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Database]:
    monkeypatch.setattr(pool, "UNUSED_SECONDS", math.inf)
    url = (await postgres.urls("sample")).application
    patient = timedelta(seconds=2 * PATIENCE)
    options = DatabaseOptions(
        name=new_id("pool"), pool=SIZE, checkout_timeout=patient, response_timeout=patient
    )
    made = create_database(url, clock=clock, options=options)
    yield made
    await made.close()


async def process(database: Database, kind: str, tenant: str = "t1") -> int:
    """Which server process serves that kind; it has to have the right session."""
    async with getattr(database, kind)(tenant) as connection:
        session = await connection.value(SESSION)
        assert session == f"{tenant} {'on' if kind == 'reading' else 'off'}"
        return int(await connection.value(PROCESS))


async def test_each_kind_gets_its_own_connection_again(database: Database) -> None:
    reads, writes = [await process(database, kind) for kind in ("reading", "writing")]
    assert reads != writes
    for _ in range(3):
        assert await process(database, "reading") == reads
        assert await process(database, "writing") == writes
        assert await process(database, "transaction") == writes


async def test_a_transaction_takes_any_connection_and_leaves_its_session(
    database: Database,
) -> None:
    reads = await process(database, "reading", "t1")
    assert await process(database, "transaction", "t2") == reads
    assert await process(database, "reading", "t1") == reads


async def test_another_tenant_gets_the_connection_of_its_kind(database: Database) -> None:
    reads, writes = [await process(database, kind, "t1") for kind in ("reading", "writing")]
    assert await process(database, "reading", "t2") == reads
    assert await process(database, "writing", "t2") == writes


async def test_both_kinds_together_keep_to_the_bound(database: Database) -> None:
    for kind in ("reading", "writing", "reading", "transaction", "writing"):
        processes = await asyncio.gather(*(process(database, kind) for _ in range(4 * SIZE)))
        assert len(set(processes)) <= SIZE
        async with database.reading("t1") as connection:
            assert await connection.value(EVERYBODY) <= SIZE


async def test_whoever_wants_the_other_kind_is_served_in_turn(database: Database) -> None:
    order: list[str] = []

    async def take(kind: str) -> None:
        async with getattr(database, kind)("t1") as connection:
            await connection.value(PROCESS)
            order.append(kind)

    held = [database.reading("t1") for _ in range(SIZE)]
    for one in held:
        await one.__aenter__()
    kinds = ["writing", "reading", "transaction", "writing", "reading"]
    waiting = []
    for kind in kinds:
        waiting.append(asyncio.create_task(take(kind)))
        await asyncio.sleep(0)
    await held[0].__aexit__(None, None, None)
    await asyncio.gather(*waiting)
    assert order == kinds
    for one in held[1:]:
        await one.__aexit__(None, None, None)


async def test_a_connection_that_died_unused_is_none_of_the_bound(database: Database) -> None:
    taken: list[PooledConnection] = []
    for kind in ("reading", "writing"):
        async with getattr(database, kind)("t1") as connection:
            taken.append(connection.raw)
    for one in taken:
        one.terminate()
    processes = await asyncio.gather(*(process(database, "writing") for _ in range(2 * SIZE)))
    assert len(set(processes)) <= SIZE


async def test_what_nobody_uses_is_closed_and_one_stays(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("reading", "writing"):
        await process(database, kind)
    monkeypatch.setattr(pool, "UNUSED_SECONDS", 0.0)
    last = await process(database, "reading")

    async def alone() -> bool:
        async with database.reading("t1") as connection:
            return int(await connection.value(EVERYBODY)) == 1

    await until(alone)
    assert await process(database, "reading") == last
