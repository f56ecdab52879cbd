"""Schema changes: alembic scripts of a service, run inside its own schema, one runner at a time.

A service keeps ``store/migrations/versions/0001_….py``; no ``env.py`` and no ``alembic.ini`` are
needed. The first revision usually reads

    def upgrade() -> None:
        create_tables(op, metadata)
        grant_worker(op, tables.queue, ["task_id", "claimed_until"], update=["claimed_until"])

Roles: ``phoenix_<schema>_owner`` migrates, ``phoenix_<schema>`` serves, ``phoenix_<schema>_worker``
claims. The last two own nothing: triggers and row-level security do not stop an owner.
"""

import zlib
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Protocol

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from phoenix_runtime.chassis.data.database import async_url

EVERYTHING = ("SELECT", "INSERT", "UPDATE", "DELETE")
TENANT = "tenant = NULLIF(current_setting('phoenix.tenant', true), '')"
"""After a transaction that set it the setting reads as '', not as NULL: neither finds a row."""

OUTBOXES = {"outbox": "event_id", "directive_outbox": "directive_id"}
"""What the relay reads across tenants, and prunes; by what key."""


class MigrationOperations(Protocol):
    """What is used of ``alembic.op`` here."""

    def execute(self, sqltext: str, /) -> object:
        """Run a statement."""
        ...

    def get_bind(self) -> Connection:
        """The connection that migrates."""
        ...


async def upgrade(service_package: str, url: str, *, schema: str = "") -> None:
    """Bring the schema of ``service_package`` (``registry_svc``) to the newest revision.

    ``url`` names the schema's owner. Replicas that start together wait for each other. ``schema``
    is the package's name without ``_svc`` where not given. Raises what alembic and asyncpg raise.
    """
    chosen = schema or service_package.removesuffix("_svc")
    location = Path(str(resources.files(service_package))) / "store" / "migrations"
    engine = create_async_engine(async_url(url), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade, location, chosen)
    finally:
        await engine.dispose()


def create_tables(
    op: MigrationOperations, metadata: MetaData, *, append_only: Iterable[str] = ()
) -> None:
    """Create every table of ``metadata`` with its security; the application role may use it.

    Tables named in ``append_only`` can be read and added to, by nobody else changed. The outbox,
    the directive outbox and the idempotency table get what their workers need.
    """
    metadata.create_all(op.get_bind())
    frozen = set(append_only)
    for table in metadata.sorted_tables:
        secure(op, table, ("SELECT", "INSERT") if table.name in frozen else EVERYTHING)
        _grant_chassis_worker(op, table)


def secure(op: MigrationOperations, table: Table, privileges: Sequence[str] = EVERYTHING) -> None:
    """Put ``table`` under row-level security, for its owner too, and grant ``privileges``."""
    name, role = table.fullname, f"phoenix_{table.schema}"
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {name} TO {role} USING ({TENANT}) WITH CHECK ({TENANT})")
    op.execute(f"GRANT {', '.join(privileges)} ON {name} TO {role}")


def grant_worker(
    op: MigrationOperations,
    table: Table,
    columns: Sequence[str],
    *,
    update: Sequence[str] = (),
    delete: bool = False,
) -> None:
    """Let the worker role read ``columns`` of every tenant, change those in ``update``.

    ``SELECT … FOR UPDATE SKIP LOCKED`` needs at least one column to update. Give claim columns and
    keys only: what a row means is read by the application role, inside one tenant.
    """
    name, role = table.fullname, f"phoenix_{table.schema}_worker"
    readable = dict.fromkeys(["tenant", *columns, *update])
    op.execute(f"CREATE POLICY worker ON {name} TO {role} USING (true)")
    op.execute(f"GRANT SELECT ({', '.join(readable)}) ON {name} TO {role}")
    if update:
        op.execute(f"GRANT UPDATE ({', '.join(update)}) ON {name} TO {role}")
    if delete:
        op.execute(f"GRANT DELETE ON {name} TO {role}")


def _grant_chassis_worker(op: MigrationOperations, table: Table) -> None:
    """What delivers and prunes works across tenants."""
    if table.name in OUTBOXES:
        grant_worker(op, table, [OUTBOXES[table.name], "document", "created_at"], delete=True)
    elif table.name == "deliveries":
        marks = ("claimed_until", "failures")
        grant_worker(op, table, ["key", "receiver"], update=marks, delete=True)
    elif table.name == "idempotency":
        keys = ("principal", "rpc", "request_id", "created_at")
        grant_worker(op, table, keys, delete=True)


def _upgrade(connection: Connection, location: Path, schema: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(location))
    config.set_main_option("path_separator", "newline")
    script = ScriptDirectory.from_config(config)
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _lock_key(schema)})
    connection.execute(text(f"SET LOCAL search_path = {schema}"))
    with EnvironmentContext(
        config,
        script,
        fn=lambda revision, _: script._upgrade_revs("head", revision),  # noqa: SLF001
    ) as environment:
        environment.configure(connection=connection, version_table_schema=schema)
        with environment.begin_transaction():
            environment.run_migrations()


def _lock_key(schema: str) -> int:
    """The advisory lock of a schema's migrations."""
    return zlib.crc32(f"phoenix-dma migrations of {schema}".encode())
