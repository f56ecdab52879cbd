"""Counts what services ask of their database: statements and transactions, by pg_stat_statements.

Only the roles of the services count, not those of their workers: these poll, so what they ask is a
matter of time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import asyncpg

from phoenix_runtime.local.options import LocalRuntimeOptions
from tests.support.waiting.until import until

SETTINGS: Final[Mapping[str, str]] = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track_utility": "on",
    "pg_stat_statements.max": "5000",
}
ROLES: Final = ["phoenix_registry", "phoenix_assignment", "phoenix_state", "phoenix_governance"]
COUNTS: Final = """
    SELECT asked.query, sum(asked.calls)::bigint AS calls FROM pg_stat_statements AS asked
    JOIN pg_roles AS role ON role.oid = asked.userid
    WHERE role.rolname = any($1) GROUP BY asked.query
"""
LEFT: Final = """
    SELECT (SELECT count(*) FROM registry.deliveries) + (SELECT count(*) FROM assignment.deliveries)
         + (SELECT count(*) FROM state.deliveries) + (SELECT count(*) FROM governance.deliveries)
         + (SELECT count(*) FROM registry.directives WHERE acknowledged_at IS NULL)
         + (SELECT count(*) FROM governance.ledger_heads AS head
            LEFT JOIN governance.trust_cursors AS cursor USING (tenant)
            WHERE cursor.sequence IS DISTINCT FROM head.sequence)
"""
TRANSACTION: Final = ("BEGIN", "COMMIT", "ROLLBACK", "SELECT SET_CONFIG")
"""What opens and ends a transaction; it is counted as the transaction, not as a statement."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What services asked of the database meanwhile."""

    statements: int
    commits: int


class StatementCounter:
    """Counts in one runtime whose PostgreSQL was started with `SETTINGS`."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._connection = connection

    async def quiet(self) -> None:
        """Wait until all that follows from what was done has been done."""

        async def done() -> bool:
            left: int = await self._connection.fetchval(LEFT)
            return left == 0

        await until(done)

    @asynccontextmanager
    async def counted(self, into: list[Asked]) -> AsyncIterator[None]:
        """Count the block and what follows from it; appends what was asked to ``into``."""
        await self.quiet()
        await self._connection.execute("SELECT pg_stat_statements_reset()")
        yield
        await self.quiet()
        into.append(asked({row["query"]: row["calls"] for row in await self._fetch()}))

    async def _fetch(self) -> list[asyncpg.Record]:
        return await self._connection.fetch(COUNTS, ROLES)


def asked(calls: Mapping[str, int]) -> Asked:
    """Sum the calls of each statement."""
    statements = sum(
        count for query, count in calls.items() if not query.upper().startswith(TRANSACTION)
    )
    commits = sum(count for query, count in calls.items() if query.upper().startswith("COMMIT"))
    return Asked(statements, commits)


@asynccontextmanager
async def statement_counter(admin_url: str) -> AsyncIterator[StatementCounter]:
    """A counter in a runtime that has been started with `counting_options`."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        yield StatementCounter(connection)
    finally:
        await connection.close()


def counting_options(environment: Mapping[str, str]) -> LocalRuntimeOptions:
    """Options of a runtime whose PostgreSQL counts its statements."""
    return LocalRuntimeOptions.temporary(environment=environment, postgres_settings=SETTINGS)
