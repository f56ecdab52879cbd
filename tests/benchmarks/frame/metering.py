"""A runtime that counts: what an operation asks of the database, and what processors it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

import asyncpg

from phoenix_runtime.local.runtime import NOTHING
from tests.benchmarks.frame.processes import processor_ms, tree
from tests.support.processes.breakable_runtime import BreakableRuntime
from tests.support.servers.statements import asked, counting_options
from tests.support.servers.temporary import temporary

SETTLE_SECONDS: Final = 2.0
"""How long what follows from the last operation has: the relay settles, trust is folded."""
ASKED: Final = """
    SELECT query, sum(calls)::bigint AS calls FROM pg_stat_statements AS asked
    JOIN pg_roles AS role ON role.oid = asked.userid
    WHERE role.rolname LIKE 'phoenix_%' AND role.rolname <> 'phoenix_admin' GROUP BY query
"""
"""What services and their workers ask, the relay's claims and marks too."""
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Spent:
    """What a runtime has used meanwhile: statements, commits, processor time of each part."""

    statements: int
    commits: int
    processor_ms: Mapping[str, float]

    def processor(self, *parts: str) -> float:
        """Milliseconds of these parts together, of all where none is named."""
        return sum(self.processor_ms[part] for part in parts or self.processor_ms)


class CountingRuntime:
    """A runtime, and what it uses."""

    def __init__(
        self, runtime: BreakableRuntime, database: asyncpg.Connection[asyncpg.Record]
    ) -> None:
        self.runtime = runtime
        self.database = database

    async def measured(
        self, work: Callable[[], Awaitable[Answer]], settle: float = SETTLE_SECONDS
    ) -> tuple[Answer, Spent]:
        """Do ``work``; answers what it answered, and what was spent on it and what followed."""
        await asyncio.sleep(settle)
        await self.database.execute("SELECT pg_stat_statements_reset()")
        before = self._processor_ms()
        answer = await work()
        await asyncio.sleep(settle)
        after = self._processor_ms()
        calls = {row["query"]: row["calls"] for row in await self.database.fetch(ASKED)}
        database = asked(calls)
        spent = {part: after[part] - before[part] for part in after}
        return answer, Spent(database.statements, database.commits, spent)

    def processes(self) -> dict[str, list[int]]:
        """The process ids of every part, with what it has started."""
        parts = (*self.runtime.options.services, "postgres", "valkey")
        return {part: tree(self.runtime.pid(part)) for part in parts}

    def _processor_ms(self) -> dict[str, float]:
        return {part: processor_ms(pids) for part, pids in self.processes().items()}


@asynccontextmanager
async def counting_runtime(
    environment: Mapping[str, str] = NOTHING,
) -> AsyncIterator[CountingRuntime]:
    """One in a temporary folder, gone afterwards; ``environment`` is every service's."""
    async with temporary(BreakableRuntime(counting_options(environment))) as runtime:
        database = await asyncpg.connect(runtime.admin_url)
        try:
            await database.execute("CREATE EXTENSION pg_stat_statements")
            yield CountingRuntime(runtime, database)
        finally:
            await database.close()
