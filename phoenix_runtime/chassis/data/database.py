"""Opens transactions inside one tenant, and connections for reading in it.

The tenant is set before anything else happens in a transaction, in one round trip with BEGIN, and
row-level security sees to it that nothing else is found.

What only reads has no transaction: under READ COMMITTED each statement has a snapshot of its own
anyway, so BEGIN and COMMIT would be two round trips for nothing. Its tenant is a setting of the
session, which is set only where the connection was last used in another way.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, TypeAlias

from phoenix_runtime.chassis.data.connection import CLAIMS, Connection, PooledConnection, Session
from phoenix_runtime.chassis.data.database_errors import refusal_for
from phoenix_runtime.chassis.data.pool import Pool
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import Refused, Unavailable
from phoenix_runtime.core.ids import is_identifier

BEGIN: Final = (
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
    " SELECT set_config('phoenix.tenant', '{tenant}', true)"
)
TRUSTED_SECONDS: Final = 1.0
"""How long after its last answer a connection is taken to be alive without being asked."""

Opening: TypeAlias = Callable[[PooledConnection], Awaitable[None]]
"""Makes a connection ready for what its caller does with it."""
Finish: TypeAlias = Callable[[Connection], Awaitable[object]]
"""Ends what was done through a connection."""


class Database:
    """The connections of one role. ``clock`` is the clock of everything that is done through them.

    ``response_timeout`` is how long the server may take to answer BEGIN, ``checkout_timeout`` how
    long a transaction waits for one of the ``size`` connections.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        size: int,
        clock: Clock,
        response_timeout: timedelta,
        checkout_timeout: timedelta,
    ) -> None:
        self._pool = pool
        self._watch = pool.watch
        self._attempts = 1 + size
        self._response_timeout = response_timeout.total_seconds()
        self._checkout_timeout = checkout_timeout.total_seconds()
        # A semaphore serves in the order of arrival: with an unfair queue a waiting transaction
        # timed out under load although a connection had become free a hundred times.
        self._slots = asyncio.Semaphore(size)
        self.clock = clock

    def transaction(self, tenant: str) -> AbstractAsyncContextManager[Connection]:
        """One READ COMMITTED transaction inside ``tenant``: committed at the end, or not at all.

        Raises `core.errors.Unavailable` where the server is unavailable or lost (after a commit was
        sent, its outcome is then unknown), `TransactionConflict` for a deadlock.
        """
        begin = BEGIN.format(tenant=_checked(tenant))
        return _Held(self, lambda raw: self._ask(raw, begin), _commit)

    def reading(self, tenant: str) -> AbstractAsyncContextManager[Connection]:
        """A connection inside ``tenant`` that cannot write.

        Each statement has a snapshot of its own. Raises `core.errors.Unavailable`.
        """
        session = Session(_checked(tenant), read_only=True)
        # What would be written is refused.
        return _Held(self, lambda raw: self._set(raw, session), Connection.write)

    def claiming(self) -> AbstractAsyncContextManager[Connection]:
        """A connection without tenant, for the worker role's claims and marks only.

        Each statement is a transaction of its own, and takes one round trip. No other role sees a
        row in it.
        """
        return _Held(self, lambda raw: self._set(raw, CLAIMS), _nothing)

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.close()

    async def take(self, opening: Opening) -> PooledConnection:
        """A connection that is ready, to be given back or given up.

        Raises `core.errors.Unavailable` where none is free in time, or none can be had.
        """
        self._watch.require_heard()
        await self._acquire_slot()
        try:
            return await self._opened(opening)
        except BaseException as error:
            self._slots.release()
            refused = refusal_for(error)
            if refused is None:
                raise
            raise refused from error

    def give_back(self, raw: PooledConnection) -> None:
        """Give back a connection that has answered everything."""
        raw.known.answered_at = _now()
        self._watch.ends(raw, heard=True)
        try:
            self._pool.give_back(raw)
        finally:
            self._slots.release()

    async def give_up(self, raw: PooledConnection, error: BaseException) -> None:
        """Give back a connection after ``error``, rolled back, or discarded where that fails."""
        try:
            if raw.is_closed():
                return
            if raw.is_in_transaction() or not isinstance(error, Refused):
                await self._abandon(raw)
            else:
                self._pool.give_back(raw)  # a refusal of the caller's own, between two statements
        finally:
            self._watch.ends(raw, heard=False)
            self._slots.release()

    async def _acquire_slot(self) -> None:
        """Wait for a free connection; raises `core.errors.Unavailable` after the time-out."""
        if not self._slots.locked():
            await self._slots.acquire()  # which does not wait
            return
        try:
            async with self._watch.waiting(self._checkout_timeout):
                await self._slots.acquire()
        except TimeoutError as error:
            self._watch.require_heard()
            text = "The database is busy: no connection was free in time"
            raise Unavailable(text) from error

    async def _opened(self, opening: Opening) -> PooledConnection:
        """A connection that is ready, where there is any.

        A pooled connection that turns out to be dead is discarded and the next one tried, until the
        pool has only new ones. That is safe: no statement of the caller has run on it.
        """
        for _ in range(self._attempts - 1):
            try:
                return await self._opened_once(opening)
            except _DeadConnection:
                continue
        return await self._opened_once(opening)

    async def _opened_once(self, opening: Opening) -> PooledConnection:
        self._watch.require_heard()
        raw = self._pool.free()
        if raw is None:
            async with self._watch.waiting():
                raw = await self._pool.connect()
        self._watch.begins(raw, raw.hang_up)
        try:
            await opening(raw)
        except BaseException:
            self._watch.ends(raw, heard=False)
            raise
        return raw

    async def _set(self, raw: PooledConnection, session: Session) -> None:
        """Set ``session``; asked where it is another, or the server may have died meanwhile."""
        known = raw.known
        if known.session == session and _now() - known.answered_at < TRUSTED_SECONDS:
            return
        # A failure here may leave either setting, so neither is remembered.
        known.session = None
        await self._ask(raw, session.statement)
        known.session = session

    async def _ask(self, raw: PooledConnection, statement: str) -> None:
        """Execute what comes before the caller's statements.

        Raises `Unavailable` where the server does not answer, `_DeadConnection` where it has gone.
        """
        try:
            await raw.execute(statement, timeout=self._response_timeout)
        except TimeoutError as error:
            # A server that does not answer would not answer ROLLBACK either.
            raw.terminate()
            raise Unavailable("The database does not answer") from error
        except BaseException as error:
            await self._abandon(raw)
            if refusal_for(error) is not None:
                raise _DeadConnection("The database is unavailable; try again") from error
            raise

    async def _abandon(self, raw: PooledConnection) -> None:
        """Roll back and return the connection to the pool; discard it where that fails."""
        try:
            if not raw.is_closed():
                await raw.execute("ROLLBACK", timeout=2)
        except BaseException as error:
            raw.terminate()
            if not isinstance(error, Exception):
                raise
        self._pool.give_back(raw)


class _Held(AbstractAsyncContextManager[Connection]):
    """One connection of a database for the length of a block.

    A class, and not a generator: each reading and each transaction passes here, and a generator
    inside another costs as much as a statement.
    """

    __slots__ = ("_connection", "_database", "_finish", "_opening", "_raw")

    def __init__(self, database: Database, opening: Opening, finish: Finish) -> None:
        self._database = database
        self._opening = opening
        self._finish = finish

    async def __aenter__(self) -> Connection:
        """A connection that is ready."""
        self._raw = await self._database.take(self._opening)
        self._connection = Connection(self._raw)
        return self._connection

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish, or give up; raises the refusal that an error of the driver means."""
        if error is None:
            try:
                await self._finish(self._connection)
            except BaseException as raised:
                await self._give_up(raised)
                raise
            self._database.give_back(self._raw)
        else:
            await self._give_up(error)

    async def _give_up(self, error: BaseException) -> None:
        await self._database.give_up(self._raw, error)
        refused = refusal_for(error)
        if refused is not None:
            raise refused from error


class _DeadConnection(Unavailable):
    """A pooled connection whose server has gone."""


def _now() -> float:
    return asyncio.get_running_loop().time()


def _checked(tenant: str) -> str:
    # It becomes part of the statement; an identifier holds nothing that could end the quotes.
    if not is_identifier(tenant):
        raise ValueError("a tenant is an identifier")
    return tenant


async def _nothing(connection: Connection) -> None:
    """Each statement was a transaction of its own."""


async def _commit(connection: Connection) -> None:
    await connection.write()
    status: Any = await connection.raw.execute("COMMIT")
    if status != "COMMIT":
        # PostgreSQL answers ROLLBACK, without an error, where a statement has failed before.
        raise RuntimeError("a statement failed inside the transaction and its error was ignored")
