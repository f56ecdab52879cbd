"""Keeps the connections of one role, each by what its session may: read, or write, in a tenant.

Whoever reads gets a session that cannot write, and one statement in a session that can is a whole
transaction. To change what a session may takes a round trip, as much as BEGIN, so both kinds are
kept beside each other under one bound.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from phoenix_runtime.chassis.data.connection import PooledConnection, Session
from phoenix_runtime.chassis.data.database_errors import refusal_for
from phoenix_runtime.core.errors import Refused, Unavailable
from phoenix_runtime.core.waiting.server_watch import ServerWatch

BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
SET_TENANT: Final = "SELECT set_config('phoenix.tenant', '{tenant}', true)"
CLOSE_SECONDS: Final = 2.0
"""How long a server has for the end of each connection."""
TRUSTED_SECONDS: Final = 1.0
"""How long after its last answer a connection is taken to be alive without being asked."""

UNUSED_SECONDS: Final = 30.0
"""How long a connection is kept that nobody uses: its process at the server has megabytes."""


class Pool:
    """At most ``size`` connections.

    asyncpg's own pool resets a connection each time, and gives it back in a task of its own; a
    reading unit costs less than either. ``response_timeout`` is how long the server may take to
    answer BEGIN or what sets a session, ``checkout_timeout`` how long a caller waits its turn.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[PooledConnection]],
        watch: ServerWatch,
        *,
        size: int,
        response_timeout: timedelta,
        checkout_timeout: timedelta,
    ) -> None:
        self._connect = connect
        self._watch = watch
        self._size = size
        self._response_timeout = response_timeout.total_seconds()
        self._checkout_timeout = checkout_timeout.total_seconds()
        # A semaphore serves in the order of arrival, whatever is waited for: with an unfair queue a
        # waiting transaction timed out under load although a connection had become free a hundred
        # times.
        self._slots = asyncio.Semaphore(size)
        self._taken = 0
        self._free: list[PooledConnection] = []
        """Those that nobody uses, in the order in which they were used."""
        self._closed = False

    async def ready(self, session: Session) -> PooledConnection:
        """A connection with that session, to be given back or given up.

        Raises `core.errors.Unavailable` where none is free in time, or none can be had.
        """
        return await self._take(session, begins=False)

    async def begun(self, session: Session) -> PooledConnection:
        """A connection in a new transaction that sees and does what ``session`` says.

        It may have another session, which stays: BEGIN says for its transaction what is different.
        Raises as `ready`.
        """
        return await self._take(session, begins=True)

    def give_back(self, connection: PooledConnection) -> None:
        """Give back a connection that has answered everything."""
        connection.known.answered_at = _now()
        self._watch.ends(connection, heard=True)
        try:
            self._keep(connection)
            self._close_unused()
        finally:
            self._release()

    async def give_up(self, connection: PooledConnection, error: BaseException) -> None:
        """Give back a connection after ``error``, rolled back, or discarded where that fails."""
        try:
            if connection.is_closed():
                return
            if connection.is_in_transaction() or not isinstance(error, Refused):
                await self._abandon(connection)
            else:
                self._keep(connection)  # a refusal of the caller's own, between two statements
        finally:
            self._watch.ends(connection, heard=False)
            self._release()

    async def close(self) -> None:
        """Close what is free now, and later what is given back."""
        self._closed = True
        await self._watch.close()
        free, self._free = self._free, []
        await asyncio.gather(*(_close(connection) for connection in free))

    async def _take(self, session: Session, *, begins: bool) -> PooledConnection:
        self._watch.require_heard()
        await self._acquire()
        try:
            return await self._opened(session, begins=begins)
        except BaseException as error:
            self._release()
            refused = refusal_for(error)
            if refused is None:
                raise
            raise refused from error

    async def _acquire(self) -> None:
        """Wait for one's turn; raises `core.errors.Unavailable` after the time-out."""
        if not self._slots.locked():
            await self._slots.acquire()  # which does not wait
        else:
            try:
                async with self._watch.waiting(self._checkout_timeout):
                    await self._slots.acquire()
            except TimeoutError as error:
                self._watch.require_heard()
                text = "The database is busy: no connection was free in time"
                raise Unavailable(text) from error
        self._taken += 1

    def _release(self) -> None:
        self._taken -= 1
        self._slots.release()

    async def _opened(self, session: Session, *, begins: bool) -> PooledConnection:
        """A connection that is ready, where there is any.

        A pooled connection that turns out to be dead is discarded and the next one tried, until the
        pool has only new ones. That is safe: no statement of the caller has run on it.
        """
        for _ in range(self._size):
            try:
                return await self._opened_once(session, begins=begins)
            except _DeadConnection:
                continue
        return await self._opened_once(session, begins=begins)

    async def _opened_once(self, session: Session, *, begins: bool) -> PooledConnection:
        self._watch.require_heard()
        raw = self._chosen(session, begins=begins)
        if raw is None:
            async with self._watch.waiting():
                raw = await self._connect()
        self._watch.begins(raw, raw.hang_up)
        try:
            await (self._begin if begins else self._set)(raw, session)
        except BaseException:
            self._watch.ends(raw, heard=False)
            raise
        return raw

    def _chosen(self, session: Session, *, begins: bool) -> PooledConnection | None:
        """Take the free connection that suits best, of equals the last used; None for a new one.

        A session of the other kind is changed only where no further connection may be made, and
        then that of the one which was used longest ago. A transaction needs none of its own.
        """
        free = self._free = [one for one in self._free if not one.is_closed()]
        for one in reversed(free):
            if one.known.session == session:
                free.remove(one)
                return one
        alike = [one for one in free if one.known.is_of_kind(session)]
        if alike or (begins and free):
            chosen = (alike or free)[-1]
        elif free and len(free) + self._taken > self._size:
            chosen = free[0]
        else:
            return None
        free.remove(chosen)
        return chosen

    async def _begin(self, raw: PooledConnection, session: Session) -> None:
        same = raw.known.session == session
        tenant = SET_TENANT.format(tenant=session.tenant)
        await self._ask(raw, BEGIN if same else f"{BEGIN}; {tenant}")

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
        """Roll back and keep the connection; discard it where that fails."""
        try:
            if not raw.is_closed():
                await raw.execute("ROLLBACK", timeout=2)
        except BaseException as error:
            raw.terminate()
            if not isinstance(error, Exception):
                raise
        self._keep(raw)

    def _keep(self, connection: PooledConnection) -> None:
        """Keep a connection for the next one, unless it is dead or inside a transaction."""
        if connection.is_closed():
            return
        if self._closed or connection.is_in_transaction():
            connection.terminate()
        else:
            self._free.append(connection)

    def _close_unused(self) -> None:
        """Close what others were used instead of; the one that was used last stays."""
        since = _now() - UNUSED_SECONDS
        while len(self._free) > 1 and self._free[0].known.answered_at < since:
            self._free.pop(0).terminate()


async def _close(connection: PooledConnection) -> None:
    try:
        await connection.close(timeout=CLOSE_SECONDS)
    except (TimeoutError, OSError):
        connection.terminate()


class _DeadConnection(Unavailable):
    """A pooled connection whose server has gone."""


def _now() -> float:
    return asyncio.get_running_loop().time()
