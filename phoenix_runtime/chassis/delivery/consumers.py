"""Claims the rows of an outbox for one receiver and marks what was delivered.

Rows are claimed, never followed by a cursor: a sequence number is taken before its commit, so a
cursor would skip a row that commits late. A claim is a column: the row's lock is released before
the receiver is called, and the claim of a worker that died expires by itself.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from phoenix_runtime.chassis.data.database import Database
from phoenix_runtime.chassis.data.outbox import BUS, DIRECTIVES, LEDGER, OutboxRow
from phoenix_runtime.chassis.delivery.consumers_sql import (
    claim_statement,
    due_statement,
    extend_statement,
    prune_statement,
    retry_statement,
    settle_statement,
)
from phoenix_runtime.core.durations import CLAIM_DURATION

SOURCES: Final = {
    LEDGER: ("outbox", "event_id"),
    BUS: ("outbox", "event_id"),
    DIRECTIVES: ("directive_outbox", "directive_id"),
}
"""Table and key column of the documents that a receiver gets."""
FIRST_DELAY: Final = timedelta(milliseconds=100)
LONGEST_DELAY: Final = timedelta(seconds=30)


class WaitingRows:
    """Says when rows may be claimed, of every receiver by one statement."""

    def __init__(self, database: Database, schema: str) -> None:
        self._database = database
        self._due = due_statement(schema)

    async def until_due(self, receivers: Sequence[str]) -> Mapping[str, timedelta]:
        """How long until the earliest row of each receiver may be claimed, 0 or less for now.

        A receiver for which no row waits is missing.
        """
        async with self._database.claiming() as connection:
            rows = await connection.raw.fetch(self._due, receivers)
        now = self._database.clock.now()
        return {receiver: due - now for receiver, due in rows if due is not None}


class OutboxConsumer:
    """Claims and settles rows for one receiver; ``database`` is that of the worker role."""

    def __init__(self, database: Database, schema: str, receiver: str) -> None:
        self._database = database
        self.receiver = receiver
        self._claim = claim_statement(schema, *SOURCES[receiver])
        self._waiting = WaitingRows(database, schema)
        self._extend = extend_statement(schema)
        self._settle = settle_statement(schema)
        self._retry_later = retry_statement(schema)

    async def claim(self, limit: int) -> tuple[OutboxRow, ...]:
        """Claim at most ``limit`` rows of any tenant, the oldest first."""
        now = self._database.clock.now()
        async with self._database.claiming() as connection:
            raw = connection.raw
            rows = await raw.fetch(self._claim, now, now + CLAIM_DURATION, limit, self.receiver)
        return tuple(OutboxRow(*row) for row in rows)

    async def until_due(self) -> timedelta | None:
        """How long until the earliest row may be claimed, 0.1 s at least; None where none waits."""
        wait = (await self._waiting.until_due([self.receiver])).get(self.receiver)
        return None if wait is None else max(wait, FIRST_DELAY)

    async def extend(self, rows: Sequence[OutboxRow]) -> None:
        """Extend the claim of ``rows``: their receiver has not answered yet."""
        tenants, keys = _keys(rows)
        until = self._database.clock.now() + CLAIM_DURATION
        async with self._database.claiming() as connection:
            raw = connection.raw
            await raw.execute(self._extend, tenants, keys, self.receiver, until)

    async def settle(self, rows: Sequence[OutboxRow]) -> None:
        """Delete the deliveries of ``rows``: the receiver has them."""
        tenants, keys = _keys(rows)
        async with self._database.claiming() as connection:
            await connection.raw.execute(self._settle, tenants, keys, self.receiver)

    async def retry_later(self, rows: Sequence[OutboxRow]) -> None:
        """Release ``rows`` for another attempt, each after a delay that grows with its failures."""
        now = self._database.clock.now()
        tenants, keys = _keys(rows)
        due = [now + delay_after(row.failures + 1) for row in rows]
        async with self._database.claiming() as connection:
            raw = connection.raw
            await raw.execute(self._retry_later, tenants, keys, due, self.receiver)


def delay_after(failures: int) -> timedelta:
    """The delay before the next attempt after ``failures`` failed ones, with jitter."""
    longest: timedelta = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures - 1, 12))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311  # jitter is no secret


def _keys(rows: Sequence[OutboxRow]) -> tuple[list[str], list[str]]:
    return [row.tenant for row in rows], [row.key for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneRule:
    """Which rows of ``table`` (``row`` in ``condition``) are deleted; $1 is now minus ``age``."""

    table: str
    keys: str
    condition: str
    age: timedelta


class Pruner:
    """Deletes rows by a rule, a bounded batch at a time."""

    def __init__(self, database: Database, rule: PruneRule) -> None:
        self._database = database
        self._age = rule.age
        self._statement = prune_statement(rule.table, rule.keys, rule.condition)

    async def prune(self, limit: int) -> int:
        """Delete at most ``limit`` rows; answers how many."""
        before = self._database.clock.now() - self._age
        async with self._database.claiming() as connection:
            status = await connection.raw.execute(self._statement, before, limit)
        return int(str(status).rpartition(" ")[2])
