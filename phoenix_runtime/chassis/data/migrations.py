"""Schema upgrades: alembic revisions of a service, run inside its own schema, one runner at a time.

A service keeps ``store/migrations/versions/0001_….py``, ``0002_….py``, …; no ``env.py`` and no
``alembic.ini`` are needed. CONTRIBUTING.md tells how to add a revision.
"""

import zlib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from phoenix_runtime.chassis.data.schema_revisions import (
    DISTRIBUTION,
    SchemaTooNew,
    migrations_folder,
    newest_revision,
    revisions,
    written_by,
)


@dataclass(frozen=True, slots=True)
class SchemaUpgrade:
    """What an upgrade did to a schema; ``before`` is empty where the schema had no table."""

    schema: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """True where at least one revision ran."""
        return self.before != self.after


async def upgrade(
    service_package: str, url: str, *, schema: str = "", revision: str = ""
) -> SchemaUpgrade:
    """Bring the schema of ``service_package`` (``registry_svc``) to ``revision``, else the newest.

    ``url`` names the schema's owner. Replicas that start together wait for each other. ``schema``
    is the package's name without ``_svc`` where not given. Raises `SchemaTooNew` where a newer
    program wrote the schema, and what alembic and asyncpg raise.
    """
    chosen = schema or service_package.removesuffix("_svc")
    target = revision or newest_revision(service_package)
    engine = create_async_engine(async_url(url), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(_upgrade, service_package, chosen, target)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, package: str, schema: str, target: str) -> SchemaUpgrade:
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _lock_key(schema)})
    connection.execute(text(f"SET LOCAL search_path = {schema}"))
    before = _current(connection, schema)
    known = revisions(package)
    if before and before not in known:
        comment = connection.scalar(
            text("SELECT obj_description(CAST(:name AS regnamespace))"), {"name": schema}
        )
        raise SchemaTooNew(schema, before, known[-1], writer=written_by(comment))
    if before != target:
        _run(connection, migrations_folder(package), schema, target)
        writer = f"{DISTRIBUTION} {metadata.version(DISTRIBUTION)}"
        connection.exec_driver_sql(f"COMMENT ON SCHEMA {schema} IS '{writer}'")
    return SchemaUpgrade(schema, before, _current(connection, schema))


def _current(connection: Connection, schema: str) -> str:
    options = {"version_table_schema": schema}
    return MigrationContext.configure(connection, opts=options).get_current_revision() or ""


def _run(connection: Connection, location: Path, schema: str, target: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(location))
    config.set_main_option("path_separator", "newline")
    script = ScriptDirectory.from_config(config)
    with EnvironmentContext(
        config,
        script,
        fn=lambda revision, _: script._upgrade_revs(target, revision),  # noqa: SLF001
    ) as environment:
        environment.configure(connection=connection, version_table_schema=schema)
        with environment.begin_transaction():
            environment.run_migrations()


def _lock_key(schema: str) -> int:
    """The advisory lock of a schema's migrations."""
    return zlib.crc32(f"phoenix-dma migrations of {schema}".encode())


def async_url(url: str) -> str:
    """``url`` for SQLAlchemy's asyncpg dialect."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.split("+")[0] not in {"postgres", "postgresql"}:
        raise ValueError("a database URL begins with postgresql://")
    return f"postgresql+asyncpg://{rest}"
