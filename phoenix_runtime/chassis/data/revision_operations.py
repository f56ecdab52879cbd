"""What a service's schema revisions are written with, beside ``alembic.op``.

Released revisions call these functions. They therefore never change what they do: whoever needs
another rule writes a new function beside the old one.

Roles: ``phoenix_<schema>_owner`` migrates, ``phoenix_<schema>`` serves, ``phoenix_<schema>_worker``
claims. The last two own nothing: triggers and row-level security do not stop an owner.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

TENANT = "tenant = NULLIF(current_setting('phoenix.tenant', true), '')"
"""After a transaction that set it the setting reads as '', not as NULL: neither finds a row."""


class MigrationOperations(Protocol):
    """What is used of ``alembic.op`` here."""

    def get_bind(self) -> Connection:
        """The connection that migrates."""
        ...


def run_sql(op: MigrationOperations, revision_file: str, *names: str) -> None:
    """Run the SQL files ``names`` that lie beside ``revision_file`` (a revision's ``__file__``).

    Each statement ends with a semicolon at the end of its line; the schema is the search path.
    """
    folder = Path(revision_file).parent
    for name in names:
        for statement in statements((folder / name).read_text()):
            op.get_bind().exec_driver_sql(statement)


def statements(sql: str) -> list[str]:
    """Return the statements of ``sql``, without comments; the driver takes one at a time."""
    lines = [line for line in sql.splitlines() if not line.startswith("--")]
    parts = "\n".join(lines).split(";\n")
    return [part.strip().removesuffix(";") for part in parts if part.strip()]


def secure_table(op: MigrationOperations, table: str, *, append_only: bool = False) -> None:
    """Put ``table`` (``schema.name``) under row-level security and let the application role use it.

    Its owner is held to the policy, too. Rows of an ``append_only`` table can be read and added,
    and neither changed nor deleted.
    """
    role = f"phoenix_{_schema(table)}"
    privileges = "SELECT, INSERT" if append_only else "SELECT, INSERT, UPDATE, DELETE"
    _run(op, f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    _run(op, f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    _run(op, f"CREATE POLICY tenant ON {table} TO {role} USING ({TENANT}) WITH CHECK ({TENANT})")
    _run(op, f"GRANT {privileges} ON {table} TO {role}")


def grant_worker(
    op: MigrationOperations,
    table: str,
    columns: Sequence[str],
    *,
    update: Sequence[str] = (),
    delete: bool = False,
) -> None:
    """Let the worker role read ``columns`` of every tenant's rows, and change those in ``update``.

    ``SELECT … FOR UPDATE SKIP LOCKED`` needs at least one column to update. Give claim columns and
    keys only: what a row means is read by the application role, inside one tenant.
    """
    role = f"phoenix_{_schema(table)}_worker"
    readable = dict.fromkeys(["tenant", *columns, *update])
    _run(op, f"CREATE POLICY worker ON {table} TO {role} USING (true)")
    _run(op, f"GRANT SELECT ({', '.join(readable)}) ON {table} TO {role}")
    if update:
        _run(op, f"GRANT UPDATE ({', '.join(update)}) ON {table} TO {role}")
    if delete:
        _run(op, f"GRANT DELETE ON {table} TO {role}")


def _schema(table: str) -> str:
    schema, dot, _ = table.partition(".")
    if not dot:
        raise ValueError(f"{table}: name the table with its schema, as in registry.{table}")
    return schema


def _run(op: MigrationOperations, statement: str) -> None:
    op.get_bind().exec_driver_sql(statement)
