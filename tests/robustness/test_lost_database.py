"""A database that is killed: refused meanwhile, recovered by itself, nothing acknowledged lost."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import insert, text

from phoenix_runtime.chassis.data.connecting import DatabaseOptions, create_database
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.migrations import upgrade
from phoenix_runtime.core.clock import SteadyClock
from phoenix_runtime.core.errors import Unavailable
from tests.support.builders.calls import call_of
from tests.support.sample.notes import note_units
from tests.support.sample.store.tables import note
from tests.support.servers.postgres import SAMPLE_PACKAGE, SAMPLE_SCHEMA
from tests.support.servers.restartable import Servers, own_servers
from tests.support.waiting.until import until

CALL = call_of(tenant="t1")
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


async def prepared(servers: Servers, pool: int) -> Database:
    await servers.start("postgres")
    urls = await servers.schema()
    await upgrade(SAMPLE_PACKAGE, urls.owner, schema=SAMPLE_SCHEMA)
    options = DatabaseOptions(pool=pool)
    return create_database(urls.application, clock=SteadyClock(), options=options)


async def add(database: Database, note_id: str) -> None:
    units, _ = note_units(database)
    async with units(CALL) as unit:
        await unit.add(note_id, note_id)
        await unit.tell(note_id, 1)


async def texts(database: Database) -> list[str]:
    units, _ = note_units(database)
    async with units(CALL) as unit:
        return await unit.texts()


async def test_a_killed_database_is_unavailable_and_comes_back_by_itself() -> None:
    async with own_servers() as servers:
        database = await prepared(servers, pool=4)
        await asyncio.gather(*(add(database, f"n{number}") for number in range(8)))
        await servers.kill("postgres")
        refusals = await asyncio.gather(
            *(add(database, f"lost{number}") for number in range(8)), return_exceptions=True
        )
        assert all(isinstance(refusal, Unavailable) for refusal in refusals)
        await servers.start("postgres")
        await asyncio.gather(*(add(database, f"m{number}") for number in range(8)))
        expected = [f"{kind}{number}" for kind in "mn" for number in range(8)]
        assert await texts(database) == expected
        await database.close()


async def test_the_first_calls_after_a_restart_do_not_notice_it() -> None:
    async with own_servers() as servers:
        database = await prepared(servers, pool=4)
        await asyncio.gather(*(add(database, f"n{number}") for number in range(4)))
        await servers.kill("postgres")
        await servers.start("postgres")
        await asyncio.gather(*(add(database, f"m{number}") for number in range(4)))
        await database.close()


async def test_a_transaction_under_way_is_lost_whole() -> None:
    async with own_servers() as servers:
        database = await prepared(servers, pool=2)
        units, _ = note_units(database)

        async def be_interrupted() -> None:
            async with units(CALL) as unit:
                await unit.add("n1", "x")
                await servers.kill("postgres")
                await unit.add("n2", "y")

        with pytest.raises(Unavailable):
            await be_interrupted()
        await servers.start("postgres")
        assert await texts(database) == []
        await database.close()


async def test_a_single_statement_under_way_is_refused_as_a_commit_is() -> None:
    async with own_servers() as servers:
        database = await prepared(servers, pool=3)
        units, _ = note_units(database)

        async def put() -> None:
            async with units(CALL) as unit:
                await unit.put("n1", "x")

        async def waits() -> bool:
            async with database.reading("t1") as connection:
                return bool(await connection.value(text(WAITING)))

        async def be_interrupted() -> None:
            async with database.transaction("t1") as other:
                await other.run(insert(note).values(tenant="t1", note_id="n0", text="x", version=1))
                waiting = asyncio.create_task(put())
                await until(waits)
                await servers.kill("postgres")
                await waiting

        with pytest.raises(Unavailable):
            await be_interrupted()
        await servers.start("postgres")
        assert await texts(database) == []
        await put()
        assert await texts(database) == ["x"]
        await database.close()


async def test_a_statement_that_takes_too_long_is_cut_off() -> None:
    async with own_servers() as servers:
        await servers.start("postgres")
        urls = await servers.schema()
        options = DatabaseOptions(pool=1, statement_timeout=timedelta(seconds=1))
        database = create_database(urls.application, clock=SteadyClock(), options=options)

        async def dawdle() -> None:
            async with database.reading("t1") as connection:
                await connection.fetch(text("SELECT pg_sleep(30)"))

        with pytest.raises(Unavailable):
            await dawdle()
        async with database.reading("t1") as connection:
            assert await connection.value(text("SELECT 1")) == 1
        await database.close()


async def test_a_call_that_is_cancelled_midway_leaves_nothing_and_its_connection_works() -> None:
    async with own_servers() as servers:
        database = await prepared(servers, pool=1)
        units, _ = note_units(database)
        waiting = asyncio.Event()

        async def wait_for_ever() -> None:
            async with units(CALL) as unit:
                await unit.add("n1", "x")
                waiting.set()
                await unit.connection.fetch(text("SELECT pg_sleep(5)"))

        task = asyncio.create_task(wait_for_ever())
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await texts(database) == []
        await database.close()


async def test_no_free_connection_in_time_is_unavailable() -> None:
    async with own_servers() as servers:
        await servers.start("postgres")
        urls = await servers.schema()
        options = DatabaseOptions(pool=1, checkout_timeout=timedelta(milliseconds=200))
        database = create_database(urls.application, clock=SteadyClock(), options=options)

        async def use_two() -> None:
            async with database.reading("t1"), database.reading("t1"):
                pass

        with pytest.raises(Unavailable, match="busy"):
            await use_two()
        await database.close()
