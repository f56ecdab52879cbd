"""Who may do what with each table: owner, row-level security, policies, privileges."""

from __future__ import annotations

import asyncpg

EVERY_COLUMN = "every column"

SECURITY = """
SELECT c.relname AS table,
       pg_get_userbyid(c.relowner) AS owner,
       c.relrowsecurity AS enabled,
       c.relforcerowsecurity AS forced
FROM pg_class c
WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r' AND c.relname <> 'alembic_version'
"""

POLICIES = """
SELECT tablename || ' ' || policyname AS name,
       concat_ws(' ', permissive, cmd, 'to', array_to_string(roles, ','), 'using', qual,
                 'check ' || with_check) AS definition
FROM pg_policies WHERE schemaname = $1
"""

TABLE_PRIVILEGES = """
SELECT c.relname AS table, pg_get_userbyid(g.grantee) AS role, g.privilege_type AS privilege
FROM pg_class c, aclexplode(c.relacl) g
WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'S', 'v')
  AND g.grantee <> c.relowner
"""

COLUMN_PRIVILEGES = """
SELECT c.relname AS table, pg_get_userbyid(g.grantee) AS role, g.privilege_type AS privilege,
       a.attname AS column
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) g
WHERE c.relnamespace = $1::regnamespace
"""


async def security_of(admin_url: str, schema: str) -> dict[str, str]:
    """Return what protects each table of ``schema``, as lines by their subject.

    ``tasks``: owner and row-level security; ``tasks tenant``: a policy; ``tasks: phoenix_x
    SELECT``: a privilege, with the columns that it is limited to.
    """
    connection = await asyncpg.connect(admin_url)
    try:
        lines = {
            table: f"owned by {owner}, enabled {enabled}, forced {forced}"
            for table, owner, enabled, forced in await connection.fetch(SECURITY, schema)
        }
        lines |= dict(await connection.fetch(POLICIES, schema))
        for table, role, privilege in await connection.fetch(TABLE_PRIVILEGES, schema):
            lines[f"{table}: {role} {privilege}"] = EVERY_COLUMN
        columns: dict[str, set[str]] = {}
        for table, role, privilege, column in await connection.fetch(COLUMN_PRIVILEGES, schema):
            columns.setdefault(f"{table}: {role} {privilege}", set()).add(column)
    finally:
        await connection.close()
    return lines | {key: " ".join(sorted(found)) for key, found in columns.items()}


def expected_security(
    schema: str, table: str, *, append_only: bool, worker: dict[str, str]
) -> dict[str, str]:
    """Return what `security_of` has to say of ``table``.

    ``worker`` maps each privilege of the worker role to the columns that it is limited to.
    """
    application = f"phoenix_{schema}"
    tenant = "(tenant = NULLIF(current_setting('phoenix.tenant'::text, true), ''::text))"
    policy = "PERMISSIVE ALL to"
    lines = {
        table: f"owned by {application}_owner, enabled True, forced True",
        f"{table} tenant": f"{policy} {application} using {tenant} check {tenant}",
    }
    allowed = ["SELECT", "INSERT"] if append_only else ["SELECT", "INSERT", "UPDATE", "DELETE"]
    lines |= {f"{table}: {application} {privilege}": EVERY_COLUMN for privilege in allowed}
    if worker:
        lines[f"{table} worker"] = f"{policy} {application}_worker using true"
    for privilege, columns in worker.items():
        lines[f"{table}: {application}_worker {privilege}"] = _columns(columns)
    return lines


def _columns(text: str) -> str:
    return text if text == EVERY_COLUMN else " ".join(sorted(text.split()))
