"""The connections of one role that nobody uses at the moment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from phoenix_runtime.chassis.data.connection import PooledConnection
from phoenix_runtime.core.waiting.server_watch import ServerWatch

CLOSE_SECONDS: Final = 2.0
"""How long a server has for the end of each connection."""


class Pool:
    """Keeps connections that are given back, and makes one where there is none.

    Whoever takes them counts them (`Database`). asyncpg's own pool resets a connection each time,
    and gives it back in a task of its own; a reading unit costs less than either.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[PooledConnection]], watch: ServerWatch
    ) -> None:
        self.connect = connect
        """Makes another one; raises what connecting raises."""
        self.watch = watch
        self._free: list[PooledConnection] = []
        self._closed = False

    def free(self) -> PooledConnection | None:
        """The connection that was used last, of those that are free; None where none is."""
        while self._free:
            connection = self._free.pop()
            if not connection.is_closed():
                return connection
        return None

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
        await self.watch.close()
        free, self._free = self._free, []
        await asyncio.gather(*(_close(connection) for connection in free))


async def _close(connection: PooledConnection) -> None:
    try:
        await connection.close(timeout=CLOSE_SECONDS)
    except (TimeoutError, OSError):
        connection.terminate()
