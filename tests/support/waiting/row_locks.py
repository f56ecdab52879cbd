"""Holding a row from a second connection: whoever wants it waits, and can be seen to wait."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg

from tests.support.waiting.until import until


class HeldRow:
    """A row lock of an administrator's transaction."""

    def __init__(self, connection: asyncpg.Connection, watcher: asyncpg.Connection) -> None:
        self._connection = connection
        self._watcher = watcher

    async def waited_for_by(self, number: int) -> None:
        """Return once exactly so many sessions wait for a lock, directly or behind each other."""

        async def waiting() -> bool:
            count = await self._watcher.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            )
            return bool(count == number)

        await until(waiting)

    async def release(self) -> None:
        """Let the first in line go on."""
        await self._connection.execute("ROLLBACK")


@contextlib.asynccontextmanager
async def held(admin_url: str, table: str, **key: str) -> AsyncIterator[HeldRow]:
    """Lock one row, such as ``held(url, "assignment.tasks", tenant=…, task_id=…)``."""
    connection = await asyncpg.connect(admin_url)
    watcher = await asyncpg.connect(admin_url)
    condition = " AND ".join(f"{name} = ${place}" for place, name in enumerate(key, start=1))
    try:
        await connection.execute("BEGIN")
        query = f"SELECT 1 FROM {table} WHERE {condition} FOR UPDATE"  # noqa: S608  # our names
        assert await connection.fetchval(query, *key.values()) == 1
        yield HeldRow(connection, watcher)
    finally:
        await connection.close()
        await watcher.close()


async def settled(*tasks: asyncio.Task[object]) -> list[object]:
    """The results or errors of ``tasks``, in order."""
    return await asyncio.gather(*tasks, return_exceptions=True)
