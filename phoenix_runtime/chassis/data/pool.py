"""The connections of one role that nobody uses at the moment."""

from collections.abc import Awaitable, Callable
from typing import Final

from phoenix_runtime.chassis.data.connection import PooledConnection

CLOSE_SECONDS: Final = 2.0
"""How long a server has for the end of each connection."""


class Pool:
    """Keeps connections that are given back, and makes one where there is none.

    Whoever takes them counts them (`Database`). asyncpg's own pool resets a connection each time,
    and gives it back in a task of its own; a reading unit costs less than either.
    """

    def __init__(self, connect: Callable[[], Awaitable[PooledConnection]]) -> None:
        self._connect = connect
        self._free: list[PooledConnection] = []
        self._closed = False

    async def take(self) -> PooledConnection:
        """The connection that was used last, or a new one; raises what connecting raises."""
        while self._free:
            connection = self._free.pop()
            if not connection.is_closed():
                return connection
        return await self._connect()

    def give_back(self, connection: PooledConnection) -> None:
        """Keep a connection for the next one, unless it is dead or inside a transaction."""
        if connection.is_closed():
            return
        if self._closed or connection.is_in_transaction():
            connection.terminate()
        else:
            self._free.append(connection)

    async def close(self) -> None:
        """Close what is free now, and later what is given back."""
        self._closed = True
        free, self._free = self._free, []
        for connection in free:
            try:
                await connection.close(timeout=CLOSE_SECONDS)
            except (TimeoutError, OSError):
                connection.terminate()
