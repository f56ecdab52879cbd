"""Every row of a schema, by the identity of its table and columns rather than by their names.

PostgreSQL keeps a table's number and each column's position over a rename, so what was there before
an upgrade can be compared with what is there after it.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

import asyncpg

TABLES = """
SELECT c.oid::int AS oid, c.relname AS name
FROM pg_class c
WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r' AND c.relname <> 'alembic_version'
"""
COLUMNS = """
SELECT attnum AS position, attname AS name FROM pg_attribute
WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped
"""


@dataclass(frozen=True, slots=True)
class Content:
    """A table's rows; ``columns`` maps positions to names, each row maps positions to values."""

    name: str
    columns: dict[int, str]
    rows: list[dict[int, object]]

    def seen_through(self, columns: set[int]) -> Counter[str]:
        """Return the rows with these columns alone, each with how often it is there."""
        return Counter(
            json.dumps({position: row[position] for position in sorted(columns)}, sort_keys=True)
            for row in self.rows
        )


async def content_of(admin_url: str, schema: str) -> dict[int, Content]:
    """Return what each table of ``schema`` holds, by the table's number."""
    connection = await asyncpg.connect(admin_url)
    try:
        return {
            oid: await _content(connection, schema, oid, name)
            for oid, name in await connection.fetch(TABLES, schema)
        }
    finally:
        await connection.close()


async def _content(connection: asyncpg.Connection, schema: str, oid: int, name: str) -> Content:
    columns = dict(await connection.fetch(COLUMNS, oid))
    query = f'SELECT to_jsonb(t)::text FROM {schema}."{name}" t'  # noqa: S608  # the catalogue's name
    found = await connection.fetch(query)
    rows = [json.loads(row[0]) for row in found]
    return Content(
        name, columns, [{place: row[column] for place, column in columns.items()} for row in rows]
    )
