"""Opens transactions inside one tenant.

The tenant is set before anything else happens in a transaction, in one round trip with BEGIN, and
row-level security sees to it that nothing else is found. The engine runs in autocommit mode and the
transaction is ours: SQLAlchemy's own would take a round trip more each time.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import sqlalchemy.exc
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from phoenix_runtime.chassis.data.database_errors import refusal_for
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import Unavailable
from phoenix_runtime.core.ids import is_identifier

BEGIN = (
    "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT set_config('phoenix.tenant', '{tenant}', true)"
)
BEGIN_READING = (
    "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;"
    " SELECT set_config('phoenix.tenant', '{tenant}', true)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseOptions:
    """How the pool of one role behaves."""

    name: str = "phoenix-dma"
    """What the server's list of sessions shows."""
    pool: int = 10
    """Connections at most."""
    checkout_timeout: timedelta = timedelta(seconds=5)
    """How long a transaction waits for a free connection."""
    response_timeout: timedelta = timedelta(seconds=2.5)
    """How long a connection may take to be made, or to answer BEGIN, which waits for no lock: it
    detects an unreachable server long before the time-out of a statement."""
    statement_timeout: timedelta = timedelta(seconds=10)
    """How long one statement may run."""
    lock_timeout: timedelta = timedelta(seconds=5)
    """How long a statement waits for a row's lock."""
    durable: bool = True
    """Whether a commit waits for the disk. A claim need not: one that a crash loses is only made
    again."""


class Database:
    """The connections of one role. ``clock`` is the clock of everything that is done through them.

    ``response_timeout`` is how long the server may take to answer BEGIN.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        clock: Clock,
        response_timeout: timedelta = timedelta(seconds=2.5),
    ) -> None:
        self._engine = engine
        self._response_timeout = response_timeout.total_seconds()
        pool = engine.pool
        size = pool.size() if isinstance(pool, AsyncAdaptedQueuePool) else 1
        self._attempts = 1 + size
        # The pool's queue is unfair: under load a waiting transaction timed out although a
        # connection had become free a hundred times. A semaphore serves in order of arrival.
        self._slots = asyncio.Semaphore(size)
        self._checkout_timeout = pool.timeout() if isinstance(pool, AsyncAdaptedQueuePool) else None
        self.clock = clock

    @contextlib.asynccontextmanager
    async def transaction(self, tenant: str) -> AsyncIterator[AsyncConnection]:
        """One READ COMMITTED transaction inside ``tenant``: committed at the end, or not at all.

        Raises `core.errors.Unavailable` where the server is unavailable or lost (after a commit was
        sent, its outcome is then unknown), `TransactionConflict` for a deadlock.
        """
        async with self._transaction(BEGIN.format(tenant=_checked(tenant))) as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def reading(self, tenant: str) -> AsyncIterator[AsyncConnection]:
        """The same, read only."""
        async with self._transaction(BEGIN_READING.format(tenant=_checked(tenant))) as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def claiming(self) -> AsyncIterator[AsyncConnection]:
        """A connection without tenant, for the worker role's claims and marks only.

        Each statement is a transaction of its own, and takes one round trip. No other role sees a
        row in it.
        """
        async with self._transaction("") as connection:
            yield connection

    async def close(self) -> None:
        """Close the pool."""
        await self._engine.dispose()

    @contextlib.asynccontextmanager
    async def _transaction(self, begin: str) -> AsyncIterator[AsyncConnection]:
        await self._acquire_slot()
        try:
            async with self._in_slot(begin) as connection:
                yield connection
        finally:
            self._slots.release()

    async def _acquire_slot(self) -> None:
        """Wait for a free connection; raises `core.errors.Unavailable` after the time-out."""
        try:
            async with asyncio.timeout(self._checkout_timeout):
                await self._slots.acquire()
        except TimeoutError as error:
            text = "The database is busy: no connection was free in time"
            raise Unavailable(text) from error

    @contextlib.asynccontextmanager
    async def _in_slot(self, begin: str) -> AsyncIterator[AsyncConnection]:
        connection: AsyncConnection | None = None
        try:
            connection = await self._begun(begin)
            yield connection
            if begin:
                await _commit(connection)
        except BaseException as error:
            if connection is not None:
                await _abandon(connection)
            refused = refusal_for(error)
            if refused is None:
                raise
            raise refused from error
        await connection.close()

    async def _begun(self, begin: str) -> AsyncConnection:
        """A connection on which ``begin`` has run, where there is any.

        A pooled connection that turns out to be dead is discarded and the next one tried, until the
        pool has only new ones. That is safe: no statement of the caller has run on it.
        """
        for _ in range(self._attempts - 1):
            with contextlib.suppress(_DeadConnection):
                return await self._begun_once(begin)
        return await self._begun_once(begin)

    async def _begun_once(self, begin: str) -> AsyncConnection:
        connection = await self._engine.connect()
        if not begin:
            return connection
        try:
            await (await driver(connection)).execute(begin, timeout=self._response_timeout)
        except TimeoutError as error:
            # A server that does not answer would not answer ROLLBACK either.
            await _drop(connection)
            raise Unavailable("The database does not answer") from error
        except BaseException as error:
            await _abandon(connection)
            if refusal_for(error) is not None:
                raise _DeadConnection("The database is unavailable; try again") from error
            raise
        return connection


class _DeadConnection(Unavailable):
    """A pooled connection whose server has gone."""


async def driver(connection: AsyncConnection) -> "asyncpg.Connection[Any]":
    """The asyncpg connection below, for measured statements (`…_sql` modules) without SQLAlchemy.

    Its statements raise asyncpg's errors. Raises `core.errors.Unavailable` where it is lost.
    """
    below = connection.sync_connection
    if below is None or below.invalidated or below.closed:
        raise Unavailable("The database is unavailable; try again")
    raw: asyncpg.Connection[Any] = below.connection.driver_connection  # type: ignore[assignment]  # the dialect is asyncpg
    return raw


def create_database(url: str, *, clock: Clock, options: DatabaseOptions | None = None) -> Database:
    """A pool on the server and role of ``url`` (``postgresql://…``); connects when first used."""
    chosen = options or DatabaseOptions()
    engine = create_async_engine(
        async_url(url),
        isolation_level="AUTOCOMMIT",
        pool_size=chosen.pool,
        max_overflow=0,
        pool_timeout=chosen.checkout_timeout.total_seconds(),
        pool_reset_on_return=None,
        pool_use_lifo=True,
        connect_args=_connect_arguments(chosen),
    )
    event.listen(engine.sync_engine.pool, "checkout", _only_live_connections)
    return Database(engine, clock=clock, response_timeout=chosen.response_timeout)


def async_url(url: str) -> str:
    """``url`` for SQLAlchemy's asyncpg dialect."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.split("+")[0] not in {"postgres", "postgresql"}:
        raise ValueError("a database URL begins with postgresql://")
    return f"postgresql+asyncpg://{rest}"


def _connect_arguments(options: DatabaseOptions) -> dict[str, object]:
    return {
        "timeout": options.response_timeout.total_seconds(),
        # Longer than the server's own limit: it only detects a server that has stopped answering.
        "command_timeout": options.statement_timeout.total_seconds() + 5,
        "prepared_statement_cache_size": 500,
        "server_settings": {
            "application_name": options.name,
            "statement_timeout": _milliseconds(options.statement_timeout),
            "lock_timeout": _milliseconds(options.lock_timeout),
            "idle_in_transaction_session_timeout": _milliseconds(options.statement_timeout * 3),
            "timezone": "UTC",
            "jit": "off",
            "default_transaction_isolation": "read committed",
            **({} if options.durable else {"synchronous_commit": "off"}),
        },
    }


def _milliseconds(length: timedelta) -> str:
    return str(int(length.total_seconds() * 1000))


def _only_live_connections(connection: Any, *_: object) -> None:
    """Refuse a pooled connection that is dead or was left inside a transaction.

    asyncpg sees the end of a killed server at once, so this finds out without a round trip.
    """
    raw: asyncpg.Connection[Any] = connection.driver_connection
    if raw.is_closed():
        # The other connections of that age are most likely dead as well.
        raise sqlalchemy.exc.InvalidatePoolError
    if raw.is_in_transaction():
        raise sqlalchemy.exc.DisconnectionError


def _checked(tenant: str) -> str:
    # It becomes part of the statement; an identifier holds nothing that could end the quotes.
    if not is_identifier(tenant):
        raise ValueError("a tenant is an identifier")
    return tenant


async def _commit(connection: AsyncConnection) -> None:
    status = await (await driver(connection)).execute("COMMIT")
    if status != "COMMIT":
        # PostgreSQL answers ROLLBACK, without an error, where a statement has failed before.
        raise RuntimeError("a statement failed inside the transaction and its error was ignored")


async def _drop(connection: AsyncConnection) -> None:
    """Discard a connection that does not answer, without a message to the server."""
    (await driver(connection)).terminate()
    await connection.invalidate()
    await connection.close()


async def _abandon(connection: AsyncConnection) -> None:
    """Roll back and return the connection to the pool; discard it where that fails."""
    try:
        if not connection.invalidated:
            await (await driver(connection)).execute("ROLLBACK", timeout=2)
    except BaseException as error:
        await connection.invalidate()
        if not isinstance(error, Exception):
            raise
    finally:
        await connection.close()
