"""Tables, columns, constraints, indexes and sequences of a schema, as PostgreSQL writes them."""

from __future__ import annotations

import asyncpg

COLUMNS = """
SELECT c.relname || '.' || a.attname AS name,
       concat_ws(' ', format_type(a.atttypid, a.atttypmod),
                 CASE WHEN a.attnotnull THEN 'not null' END,
                 CASE WHEN a.attidentity <> '' THEN 'identity ' || a.attidentity::text END,
                 'default ' || pg_get_expr(d.adbin, d.adrelid)) AS definition
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r' AND a.attnum > 0
  AND NOT a.attisdropped
"""

CONSTRAINTS = """
SELECT c.relname || '.' || k.conname AS name, pg_get_constraintdef(k.oid) AS definition
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE c.relnamespace = $1::regnamespace AND k.contype <> 'n'
"""

INDEXES = """
SELECT tablename || '.' || indexname AS name, indexdef AS definition
FROM pg_indexes WHERE schemaname = $1
"""

SEQUENCES = """
SELECT relname AS name, relkind::text AS definition
FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind NOT IN ('r', 'i', 't')
"""

BOOKKEEPING = "alembic_version"


async def structure_of(admin_url: str, schema: str) -> dict[str, str]:
    """Return each part of ``schema`` by its name: ``column tasks.task_id`` → ``text not null``."""
    connection = await asyncpg.connect(admin_url)
    parts = {}
    try:
        # The definitions name a table with its schema unless it is on the search path.
        await connection.execute("SELECT set_config('search_path', '', false)")
        for kind, query in _KINDS.items():
            for name, definition in await connection.fetch(query, schema):
                if not name.startswith(BOOKKEEPING):
                    parts[f"{kind} {name}"] = definition
    finally:
        await connection.close()
    return parts


_KINDS = {
    "column": COLUMNS,
    "constraint": CONSTRAINTS,
    "index": INDEXES,
    "sequence or view": SEQUENCES,
}
