"""What is watched in a soak: memory of each process, rows of each table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
import numpy as np

from tests.benchmarks.frame.metering import CountingRuntime
from tests.benchmarks.frame.processes import proportional
from tests.support.processes.process_tree import descendants

SAMPLE_SECONDS: Final = 10.0
MEBIBYTE: Final = 1 << 20
TABLES: Final = """
    SELECT schemaname || '.' || relname AS name FROM pg_stat_user_tables
    WHERE schemaname IN ('registry', 'assignment', 'state', 'governance') ORDER BY 1
"""

WAITING: Final = "registry.directives without acknowledgement"
UNACKNOWLEDGED: Final = "SELECT count(*) FROM registry.directives WHERE acknowledged_at IS NULL"


class MemoryWatch:
    """Samples of each process's memory, by the part and its number in it."""

    def __init__(self, counting: CountingRuntime) -> None:
        self._counting = counting
        self._samples: dict[str, list[tuple[float, float]]] = {}
        """Seconds and bytes."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Sample for the length of the block."""
        sampling = asyncio.create_task(self._sample())
        try:
            yield
        finally:
            sampling.cancel()
            await asyncio.gather(sampling, return_exceptions=True)

    def slopes(self) -> dict[str, float]:
        """MiB an hour of each process, by a line through its samples."""
        found = {}
        for name, samples in self._samples.items():
            if len(samples) >= 3:
                moments, sizes = zip(*samples, strict=True)
                found[name] = float(np.polyfit(moments, sizes, 1)[0]) * 3600 / MEBIBYTE
        return found

    async def _sample(self) -> None:
        while True:
            now = time.monotonic()
            for name, pids in self._parts().items():
                self._samples.setdefault(name, []).append((now, float(proportional(pids))))
            await asyncio.sleep(SAMPLE_SECONDS)

    def _parts(self) -> dict[str, list[int]]:
        """A service, and what it has started (the policy engine), each by itself.

        PostgreSQL is one: its processes come and go with its clients' connections.
        """
        runtime = self._counting.runtime
        found = {part: [runtime.pid(part)] for part in runtime.options.services}
        for part in runtime.options.services:
            for number, pid in enumerate(descendants(runtime.pid(part)), 1):
                found[f"{part}, child {number}"] = [pid]
        found["postgres"] = self._counting.processes()["postgres"]
        found["valkey"] = [runtime.pid("valkey")]
        return found


async def rows(database: asyncpg.Connection[asyncpg.Record]) -> dict[str, int]:
    """How many rows each table of the services has, and how many directives wait."""
    names = [record["name"] for record in await database.fetch(TABLES)]
    found = {
        name: await database.fetchval(f"SELECT count(*) FROM {name}")  # noqa: S608  # our own names
        for name in names
    }
    return {**found, WAITING: await database.fetchval(UNACKNOWLEDGED)}
