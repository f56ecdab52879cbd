# ruff: noqa: S608  # only names of our own tables become part of a statement
"""One receiver's view of an outbox: what waits for it, who is at it, what it took.

Rows are claimed, never followed by a cursor: a number is taken before its commit, and a cursor
would pass over the row that commits late. A claim is a column; the row's lock is gone before
anybody is called, and a claim that its holder did not live to settle lapses by itself.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from phoenix_runtime.chassis.data.database import Database, driver
from phoenix_runtime.chassis.data.outbox import BUS, DIRECTIVES, LEDGER
from phoenix_runtime.core.claims import CLAIM_DURATION

SOURCES: Final = {
    LEDGER: ("outbox", "event_id"),
    BUS: ("outbox", "event_id"),
    DIRECTIVES: ("directive_outbox", "directive_id"),
}
"""Where the document is that a receiver takes: table and key column."""
FIRST_DELAY: Final = timedelta(milliseconds=100)
LONGEST_DELAY: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something on its way. ``failures`` is how often this receiver did not take it."""

    tenant: str
    key: str
    document: str
    failures: int


class OutboxConsumer:
    """Claims and settles for one receiver; ``database`` is that of the worker role."""

    def __init__(self, database: Database, schema: str, receiver: str) -> None:
        self._database = database
        self._receiver = receiver
        self._claim = _claim_statement(schema, *SOURCES[receiver])
        self._keep = _keep_statement(schema)
        self._taken = _taken_statement(schema)
        self._put_back = _put_back_statement(schema)

    async def claim(self, limit: int) -> tuple[Waiting, ...]:
        """Claim at most ``limit`` rows of any tenant, those that wait longest first."""
        now = self._database.clock.now()
        async with self._database.claiming() as connection:
            raw = await driver(connection)
            rows = await raw.fetch(self._claim, now, now + CLAIM_DURATION, limit, self._receiver)
        return tuple(Waiting(*row) for row in rows)

    async def keep(self, rows: Sequence[Waiting]) -> None:
        """Claim ``rows`` for longer: their receiver has not answered yet."""
        tenants, keys = _keys(rows)
        until = self._database.clock.now() + CLAIM_DURATION
        async with self._database.claiming() as connection:
            raw = await driver(connection)
            await raw.execute(self._keep, tenants, keys, self._receiver, until)

    async def taken(self, rows: Sequence[Waiting]) -> None:
        """Strike ``rows`` off the list."""
        tenants, keys = _keys(rows)
        async with self._database.claiming() as connection:
            await (await driver(connection)).execute(self._taken, tenants, keys, self._receiver)

    async def put_back(self, rows: Sequence[Waiting]) -> None:
        """Give ``rows`` back for another try, each after a delay that grows with its failures."""
        now = self._database.clock.now()
        tenants, keys = _keys(rows)
        due = [now + delay_after(row.failures + 1) for row in rows]
        async with self._database.claiming() as connection:
            raw = await driver(connection)
            await raw.execute(self._put_back, tenants, keys, due, self._receiver)


def delay_after(failures: int) -> timedelta:
    """How long a row rests after so many failures, with jitter."""
    longest: timedelta = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures - 1, 12))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311  # jitter is no secret


def _keys(rows: Sequence[Waiting]) -> tuple[list[str], list[str]]:
    return [row.tenant for row in rows], [row.key for row in rows]


def _claim_statement(schema: str, table: str, key: str) -> str:
    # Materialized: joined in another way the limit could be asked for more than once.
    return f"""
        WITH free AS MATERIALIZED (
            SELECT tenant, key FROM {schema}.deliveries
            WHERE receiver = $4 AND claimed_until <= $1
            ORDER BY claimed_until LIMIT $3 FOR UPDATE SKIP LOCKED
        ), claimed AS (
            UPDATE {schema}.deliveries AS d SET claimed_until = $2 FROM free
            WHERE d.tenant = free.tenant AND d.key = free.key AND d.receiver = $4
            RETURNING d.tenant, d.key, d.failures
        )
        SELECT c.tenant, c.key, source.document, c.failures FROM claimed AS c
        JOIN {schema}.{table} AS source ON source.tenant = c.tenant AND source.{key} = c.key
        ORDER BY c.key
    """


def _taken_statement(schema: str) -> str:
    return f"""
        DELETE FROM {schema}.deliveries AS d
        USING unnest($1::text[], $2::text[]) AS done (tenant, key)
        WHERE d.tenant = done.tenant AND d.key = done.key AND d.receiver = $3
    """


def _keep_statement(schema: str) -> str:
    return f"""
        UPDATE {schema}.deliveries AS d SET claimed_until = $4
        FROM unnest($1::text[], $2::text[]) AS kept (tenant, key)
        WHERE d.tenant = kept.tenant AND d.key = kept.key AND d.receiver = $3
    """


def _put_back_statement(schema: str) -> str:
    return f"""
        UPDATE {schema}.deliveries AS d
        SET claimed_until = due, failures = least(d.failures + 1, 1000)
        FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS failed (tenant, key, due)
        WHERE d.tenant = failed.tenant AND d.key = failed.key AND d.receiver = $4
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneRule:
    """Rows of ``table``, called ``row`` in the ``condition``; $1 there is now - ``age``."""

    table: str
    keys: str
    condition: str
    age: timedelta


class Pruner:
    """Deletes what is not needed any more, a bounded batch at a time."""

    def __init__(self, database: Database, doomed: PruneRule) -> None:
        self._database = database
        self._age = doomed.age
        self._statement = f"""
            DELETE FROM {doomed.table} WHERE ({doomed.keys}) IN (
                SELECT {doomed.keys} FROM {doomed.table} AS row WHERE {doomed.condition} LIMIT $2
            )
        """

    async def prune(self, limit: int) -> int:
        """Delete at most ``limit`` rows; answers how many."""
        before = self._database.clock.now() - self._age
        async with self._database.claiming() as connection:
            status = await (await driver(connection)).execute(self._statement, before, limit)
        return int(str(status).rpartition(" ")[2])
