"""Prepares the database: one schema and three roles for each service.

``phoenix_<schema>_owner`` owns the schema and runs its migrations; ``phoenix_<schema>`` serves
requests; ``phoenix_<schema>_worker`` claims work across tenants. The last two own no table, since
neither triggers nor row-level security hold a table's owner; what they may do with each table is
granted by the migration that makes the table.

The same for an external PostgreSQL: its URL names a role that may create roles and schemas (and the
database, where it does not exist yet). Roles belong to a whole server: two runtimes on one server
would overwrite each other's passwords.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from phoenix_runtime.local.connections import words_of
from phoenix_runtime.local.data_folder.files import read_as, write_private
from phoenix_runtime.local.errors import LocalRuntimeError, host_of

SCHEMAS: Final = ("registry", "assignment", "state", "governance")


class DatabaseUnusable(LocalRuntimeError):
    """The database cannot be reached, or its login may not prepare it."""

    reason = "DATABASE_UNUSABLE"
    remedy = (
        "See that the server is up, and that the login of --postgres-url may create roles and "
        "schemas; without --postgres-url a private server is started."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseUrls:
    """How one service reaches its schema, in each of its three roles; without passwords in repr."""

    application: str = field(repr=False)
    worker: str = field(repr=False)
    owner: str = field(repr=False)


def role_names(schema: str) -> tuple[str, str, str]:
    """Return the schema's application, worker and owner role."""
    return f"phoenix_{schema}", f"phoenix_{schema}_worker", f"phoenix_{schema}_owner"


def load_passwords(file: Path) -> dict[str, str]:
    """Return the roles' passwords from ``file``; make and store those that are missing."""
    known: dict[str, str] = read_as(file, _passwords) if file.exists() else {}
    roles = [role for schema in SCHEMAS for role in role_names(schema)]
    complete = {role: known.get(role) or secrets.token_urlsafe(24) for role in roles}
    if complete != known:
        write_private(file, json.dumps(complete, indent=2))
    return complete


def _passwords(text: str) -> dict[str, str]:
    return {str(role): str(password) for role, password in json.loads(text).items()}


def urls_for(admin_url: str, passwords: dict[str, str]) -> dict[str, DatabaseUrls]:
    """Return every schema's URLs on the server and database of ``admin_url``."""
    return {schema: _urls(admin_url, schema, passwords) for schema in SCHEMAS}


@contextmanager
def usable(admin_url: str) -> Iterator[None]:
    """Around work in the database; what it or the way to it refuses is `DatabaseUnusable`."""
    try:
        yield
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        host = host_of(admin_url)
        text = f"PostgreSQL at {host}: {words_of(error)}"
        raise DatabaseUnusable(text, {"server": host}) from error


async def prepare(admin_url: str, passwords: dict[str, str]) -> None:
    """Create the database, roles and schemas that are missing, and set the roles' passwords."""
    try:
        connection = await asyncpg.connect(admin_url)
    except asyncpg.InvalidCatalogNameError:
        await _create_database(admin_url)
        connection = await asyncpg.connect(admin_url)
    try:
        async with connection.transaction():
            await _create_roles(connection, passwords)
            for schema in SCHEMAS:
                await connection.execute(_schema_script(schema, _database(admin_url)))
    finally:
        await connection.close()


async def _create_database(admin_url: str) -> None:
    connection = await asyncpg.connect(admin_url, database="postgres")
    try:
        await connection.execute(f"CREATE DATABASE {_identifier(_database(admin_url))}")
    finally:
        await connection.close()


async def _create_roles(connection: asyncpg.Connection, passwords: dict[str, str]) -> None:
    existing = await connection.fetch("SELECT rolname FROM pg_roles")
    there = {row["rolname"] for row in existing}
    statements = []
    for role, password in passwords.items():
        verb = "ALTER" if role in there else "CREATE"
        # Such a statement takes no parameters; the passwords are ours and hold no quote.
        statements.append(f"{verb} ROLE {role} LOGIN PASSWORD '{password}';")
    await connection.execute("\n".join(statements))


def _schema_script(schema: str, database: str) -> str:
    application, worker, owner = role_names(schema)
    name = _identifier(database)
    return f"""
        GRANT CONNECT ON DATABASE {name} TO {application}, {worker}, {owner};
        GRANT {owner} TO CURRENT_USER;
        CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner};
        GRANT USAGE ON SCHEMA {schema} TO {application}, {worker};
        ALTER ROLE {application} IN DATABASE {name} SET search_path = {schema};
        ALTER ROLE {worker} IN DATABASE {name} SET search_path = {schema};
        ALTER ROLE {owner} IN DATABASE {name} SET search_path = {schema};
    """


def _urls(admin_url: str, schema: str, passwords: dict[str, str]) -> DatabaseUrls:
    application, worker, owner = (
        _with_login(admin_url, role, passwords[role]) for role in role_names(schema)
    )
    return DatabaseUrls(application=application, worker=worker, owner=owner)


def _with_login(url: str, user: str, password: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host_of(url)}"))


def _database(url: str) -> str:
    return urlsplit(url).path.lstrip("/") or "postgres"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
