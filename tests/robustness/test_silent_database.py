"""A database whose packets vanish: whoever waits is refused, whatever it waits for.

Nothing but the silence ends what waits here: the limits of statements and of the queue for a
connection are longer than a test takes. `tests/benchmarks/partitions.py` measures how long it is
until a caller is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from phoenix_runtime.chassis.data.connecting import DatabaseOptions, create_database
from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.core.clock import SteadyClock
from phoenix_runtime.core.errors import Unavailable
from tests.support.processes.fault_proxy import FaultProxy
from tests.support.servers.postgres import PostgresServer
from tests.support.waiting.until import PATIENCE, until

PATIENT = timedelta(seconds=2 * PATIENCE)
TENANT = "t1"
ONE = text("SELECT 1")


@asynccontextmanager
async def linked(
    postgres: PostgresServer, pool: int = 1
) -> AsyncIterator[tuple[Database, FaultProxy]]:
    """A database behind a proxy, once it has been heard."""
    url = urlsplit((await postgres.urls("sample")).application)
    async with FaultProxy(f"{url.hostname}:{url.port}") as proxy:
        behind = url._replace(netloc=f"{url.username}:{url.password}@{proxy.address}").geturl()
        options = DatabaseOptions(
            pool=pool, checkout_timeout=PATIENT, statement_timeout=PATIENT, lock_timeout=PATIENT
        )
        database = create_database(behind, clock=SteadyClock(), options=options)
        await until(lambda: answers(database))
        try:
            yield database, proxy
        finally:
            await database.close()


async def answers(database: Database) -> bool:
    try:
        async with database.reading(TENANT) as connection:
            return bool(await connection.value(ONE) == 1)
    except Unavailable:
        return False


async def refused(asking: Awaitable[object]) -> None:
    """The call is refused; one that is not would wait for longer than the test."""
    with pytest.raises(Unavailable):
        async with asyncio.timeout(PATIENCE):
            await asking


@pytest.mark.parametrize("way", ["reading", "transaction", "claiming"])
async def test_a_statement_under_way_is_refused(postgres: PostgresServer, way: str) -> None:
    async with linked(postgres) as (database, proxy):
        opened = getattr(database, way)

        async def ask() -> None:
            async with opened() if way == "claiming" else opened(TENANT) as connection:
                with proxy.silent():
                    await connection.value(ONE)

        await refused(ask())
        await until(lambda: answers(database))


async def test_who_waits_for_a_connection_is_refused_with_who_has_it(
    postgres: PostgresServer,
) -> None:
    async with linked(postgres, pool=1) as (database, proxy):

        async def read() -> None:
            async with database.reading(TENANT) as connection:
                await connection.value(ONE)

        with proxy.silent():
            await asyncio.gather(*(refused(read()) for _ in range(8)))
        await until(lambda: answers(database))


async def test_while_it_is_silent_nobody_waits_for_it(postgres: PostgresServer) -> None:
    async with linked(postgres) as (database, proxy):

        async def is_known() -> bool:
            """Refused before anything is tried: no further connection is made for it."""
            before = proxy.accepted
            return not await answers(database) and proxy.accepted == before

        with proxy.silent():
            await until(is_known)
        await until(lambda: answers(database))


async def test_a_statement_that_is_cancelled_meanwhile_gives_its_connection_back(
    postgres: PostgresServer,
) -> None:
    async with linked(postgres, pool=1) as (database, proxy):
        begun = asyncio.Event()

        async def read() -> None:
            async with database.reading(TENANT) as connection:
                begun.set()
                await connection.value(ONE)

        with proxy.silent():
            reading = asyncio.create_task(read())
            await begun.wait()
            reading.cancel()
            await asyncio.wait([reading], timeout=PATIENCE)
            assert reading.done()
        await until(lambda: answers(database))
