"""Opens transactions inside one tenant, and connections for statements of their own in it.

What only reads has no transaction: under READ COMMITTED each statement has a snapshot of its own
anyway, so BEGIN and COMMIT would be two round trips for nothing. What is written by one statement
needs none either: one statement is a transaction. Their tenant is a setting of the session, and
row-level security sees to it that nothing else is found (`data.pool` has the connections).

A transaction that reads first begins with BEGIN, in one round trip with the tenant where the
session has another.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from enum import Enum, auto
from types import TracebackType
from typing import Any, TypeVar

from sqlalchemy import Executable

from phoenix_runtime.chassis.data.connection import (
    CLAIMS,
    Connection,
    Parameters,
    PooledConnection,
    Session,
)
from phoenix_runtime.chassis.data.database_errors import refusal_for
from phoenix_runtime.chassis.data.pool import Pool
from phoenix_runtime.chassis.data.statements import Compiled
from phoenix_runtime.chassis.data.writes import Parts, write_together
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.ids import is_identifier


class Database:
    """The connections of one role. ``clock`` is the clock of everything that is done through them.

    Whatever takes a connection raises `core.errors.Unavailable` where none can be had in time.
    """

    def __init__(self, pool: Pool, *, clock: Clock) -> None:
        self._pool = pool
        self.clock = clock

    def transaction(self, tenant: str) -> "AbstractAsyncContextManager[Transaction]":
        """One READ COMMITTED transaction inside ``tenant``: committed at the end, or not at all.

        Raises `core.errors.Unavailable` where the server is unavailable or lost (after a commit was
        sent, its outcome is then unknown), `TransactionConflict` for a deadlock.
        """
        return _Begun(self._pool, _session(tenant, read_only=False))

    def reading(self, tenant: str) -> AbstractAsyncContextManager[Connection]:
        """A connection inside ``tenant`` that cannot write.

        Each statement has a snapshot of its own. Raises `core.errors.Unavailable`.
        """
        return _Ready(self._pool, _session(tenant, read_only=True))

    def writing(self, tenant: str) -> AbstractAsyncContextManager[Connection]:
        """A connection inside ``tenant`` on which each statement is a transaction of its own.

        Raises as `transaction`; the outcome of a statement that was sent is then unknown.
        """
        return _Ready(self._pool, _session(tenant, read_only=False))

    def claiming(self) -> AbstractAsyncContextManager[Connection]:
        """A connection without tenant, for the worker role's claims and marks only.

        Each statement is a transaction of its own, and takes one round trip. No other role sees a
        row in it.
        """
        return _Ready(self._pool, CLAIMS)

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.close()


class _State(Enum):
    """How far a transaction is; `ALONE`: its only statement is executed, or was."""

    UNTOUCHED = auto()
    BEGUN = auto()
    ALONE = auto()


class Transaction(Connection):
    """A transaction, which begins with its first statement and takes its connection then.

    Where that statement is the last one, too, it needs neither BEGIN nor COMMIT, and is committed
    as soon as it is executed. One whose answer decides whether it may be kept has both.
    """

    __slots__ = ("_pool", "_session", "_state")

    def __init__(self, pool: Pool, session: Session) -> None:
        super().__init__(None)
        self._pool = pool
        self._session = session
        self._state = _State.UNTOUCHED

    async def begin(self) -> PooledConnection:
        """The driver's connection, inside the transaction."""
        if self._state is _State.ALONE:
            raise RuntimeError("the transaction is over: its last statement is executed")
        if self._state is _State.UNTOUCHED:
            self.held = await self._pool.begun(self._session)
            self._state = _State.BEGUN
        return self.raw

    async def write(self, others: Parts | None = None) -> Sequence[int]:
        """See `Connection`."""
        if others is not None or self._writes:
            await self.begin()
        return await super().write(others)

    async def write_last(
        self, others: Parts | None, committing: Callable[[], None]
    ) -> Sequence[int]:
        """See `Connection`. After an error of the server's absence its outcome may be unknown."""
        if not self._is_whole(others):
            return await super().write_last(others, committing)
        self.held = await self._pool.ready(self._session)
        self._state = _State.ALONE
        committing()
        return await write_together(self.raw, self._writes, others)

    async def finish(self) -> None:
        """Write what still waits, and commit."""
        if self._state is _State.ALONE:
            return
        await self.write()
        if self._state is _State.BEGUN:
            await self._commit()

    async def _ready(self, statement: Executable, parameters: Parameters | None) -> Compiled:
        if self._state is not _State.BEGUN:
            await self.begin()
        return await super()._ready(statement, parameters)

    async def _commit(self) -> None:
        status: Any = await self.raw.execute("COMMIT")
        if status != "COMMIT":
            # PostgreSQL answers ROLLBACK, without an error, where a statement has failed before.
            text = "a statement failed inside the transaction and its error was ignored"
            raise RuntimeError(text)

    def _is_whole(self, others: Parts | None) -> bool:
        """Whether what waits and ``others`` may be the whole transaction."""
        if self._state is not _State.UNTOUCHED or self._writes.judged:
            return False
        return bool(self._writes) if others is None else not others.judged


C = TypeVar("C", bound=Connection)


class _Held(AbstractAsyncContextManager[C]):
    """One connection of a pool for the length of a block.

    A class, and not a generator: each reading and each transaction passes here, and a generator
    inside another costs as much as a statement.
    """

    __slots__ = ("_connection", "_pool", "_session")

    _connection: C

    def __init__(self, pool: Pool, session: Session) -> None:
        self._pool = pool
        self._session = session

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish, or give up; raises the refusal that an error of the driver means."""
        if error is not None:
            await self._give_up(error)
            return
        try:
            await self._connection.finish()
        except BaseException as raised:
            await self._give_up(raised)
            raise
        if self._connection.held is not None:
            self._pool.give_back(self._connection.held)

    async def _give_up(self, error: BaseException) -> None:
        if self._connection.held is not None:
            await self._pool.give_up(self._connection.held, error)
        refused = refusal_for(error)
        if refused is not None:
            raise refused from error


class _Ready(_Held[Connection]):
    """One with a session, on which each statement is a transaction of its own."""

    async def __aenter__(self) -> Connection:
        """A connection that is ready."""
        self._connection = Connection(await self._pool.ready(self._session))
        return self._connection


class _Begun(_Held[Transaction]):
    """One with a transaction."""

    async def __aenter__(self) -> Transaction:
        """A transaction that has no connection yet."""
        self._connection = Transaction(self._pool, self._session)
        return self._connection


def _session(tenant: str, *, read_only: bool) -> Session:
    # It becomes part of the statement; an identifier holds nothing that could end the quotes.
    if not is_identifier(tenant):
        raise ValueError("a tenant is an identifier")
    return Session(tenant, read_only)
