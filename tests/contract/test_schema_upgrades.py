"""A schema is the same whether it is made today or was made by the predecessor and upgraded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from phoenix_runtime.chassis.data.migrations import SchemaTooNew, SchemaUpgrade, async_url, upgrade
from phoenix_runtime.chassis.data.schema_revisions import newest_revision, revisions
from phoenix_runtime.local.postgres.databases import DatabaseUrls
from tests.contract.table_rights import APPEND_ONLY, WORKER
from tests.support.schemas.predecessor import SCHEMAS, load_predecessor
from tests.support.schemas.rows import Content, content_of
from tests.support.schemas.security import expected_security, security_of
from tests.support.schemas.structure import structure_of
from tests.support.servers.postgres import PostgresServer

REWRITTEN: Mapping[str, set[str]] = {
    # "assignment": {"tasks.binding"}: a column, by its name in the predecessor, whose values a
    # revision rewrites. What becomes of them is a test of that revision.
}

each_schema = pytest.mark.parametrize("schema", SCHEMAS)


@dataclass(frozen=True, slots=True)
class Database:
    """One database with every schema."""

    urls: Mapping[str, DatabaseUrls]
    admin: str

    async def upgrade(self, schema: str, revision: str = "") -> SchemaUpgrade:
        """Upgrade one of the schemas as a service does."""
        return await upgrade(f"{schema}_svc", self.urls[schema].owner, revision=revision)


async def empty(postgres: PostgresServer) -> Database:
    """A database whose schemas have no table."""
    urls, admin = await postgres.empty(f"upgrades_{uuid4().hex}")
    return Database(urls, admin)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fresh(postgres: PostgresServer) -> Database:
    """Every schema upgraded from nothing to the newest revision; nobody changes it."""
    database = await empty(postgres)
    for schema in SCHEMAS:
        await database.upgrade(schema)
    return database


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def first(postgres: PostgresServer) -> Database:
    """Every schema at its first revision; nobody changes it."""
    database = await empty(postgres)
    for schema in SCHEMAS:
        await database.upgrade(schema, "0001")
    return database


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def predecessor(postgres: PostgresServer) -> Predecessor:
    """What the predecessor left; upgraded once to the newest revision."""
    database = await empty(postgres)
    await load_predecessor(database.admin)
    structure, security, content = {}, {}, {}
    for schema in SCHEMAS:
        structure[schema] = await structure_of(database.admin, schema)
        security[schema] = await security_of(database.admin, schema)
        content[schema] = await content_of(database.admin, schema)
    upgrades = {schema: await database.upgrade(schema) for schema in SCHEMAS}
    return Predecessor(database.admin, structure, security, content, upgrades)


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The predecessor's schemas as they were, and the database in which they were upgraded."""

    admin: str
    structure: Mapping[str, dict[str, str]]
    security: Mapping[str, dict[str, str]]
    content: Mapping[str, dict[int, Content]]
    upgrades: Mapping[str, SchemaUpgrade]


def metadata_of(schema: str) -> MetaData:
    """What the service's code says of its tables."""
    metadata: MetaData = import_module(f"{schema}_svc.store.tables").metadata
    return metadata


@each_schema
async def test_the_first_revision_makes_what_the_predecessor_had(
    first: Database, predecessor: Predecessor, schema: str
) -> None:
    assert await structure_of(first.admin, schema) == predecessor.structure[schema]
    assert await security_of(first.admin, schema) == predecessor.security[schema]


@each_schema
async def test_an_upgraded_schema_is_the_one_that_is_made_today(
    fresh: Database, predecessor: Predecessor, schema: str
) -> None:
    done = predecessor.upgrades[schema]
    assert (done.before, done.after) == ("0001", newest_revision(f"{schema}_svc"))
    new = await structure_of(fresh.admin, schema)
    assert await structure_of(predecessor.admin, schema) == new
    protected = await security_of(fresh.admin, schema)
    assert await security_of(predecessor.admin, schema) == protected


@each_schema
async def test_an_upgrade_keeps_every_row(predecessor: Predecessor, schema: str) -> None:
    before = predecessor.content[schema]
    assert all(table.rows for table in before.values()), "the predecessor has rows of each kind"

    after = await content_of(predecessor.admin, schema)
    for number, table in before.items():
        assert number in after, f"{table.name} is gone"
        compared = set(table.columns) - _rewritten(schema, table)
        assert compared <= set(after[number].columns), f"{table.name} has lost columns"
        assert after[number].seen_through(compared) == table.seen_through(compared), table.name


async def test_a_directive_on_its_way_keeps_its_receiver_under_the_new_name(
    postgres: PostgresServer,
) -> None:
    database = await empty(postgres)
    await database.upgrade("assignment", "0001")
    connection = await asyncpg.connect(database.admin)
    before = "courier"  # codespell:ignore courier
    for tenant, receiver in (("acme", before), ("umbrella", before), ("acme", "bus")):
        await connection.execute(
            "INSERT INTO assignment.deliveries (tenant, key, receiver, claimed_until)"
            " VALUES ($1, 'one', $2, now())",
            tenant,
            receiver,
        )

    await database.upgrade("assignment")

    receivers = "SELECT tenant, receiver FROM assignment.deliveries"
    found = {tuple(row) for row in await connection.fetch(receivers)}
    await connection.close()
    assert found == {("acme", "directives"), ("umbrella", "directives"), ("acme", "bus")}


def _rewritten(schema: str, table: Content) -> set[int]:
    named = REWRITTEN.get(schema, set())
    return {place for place, name in table.columns.items() if f"{table.name}.{name}" in named}


@each_schema
async def test_alembic_finds_no_drift_from_the_tables(fresh: Database, schema: str) -> None:
    def differences(connection: Connection) -> list[Any]:
        options = {
            "version_table_schema": schema,
            "include_schemas": True,
            "include_name": lambda name, kind, _: kind != "schema" or name == schema,
            "compare_server_default": True,
        }
        context = MigrationContext.configure(connection, opts=options)
        return compare_metadata(context, metadata_of(schema))

    # Not as the owner: alembic takes the schema on the search path for one without a name.
    engine = create_async_engine(async_url(fresh.admin), poolclass=NullPool)
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()
    assert found == []


async def test_every_part_is_exactly_what_the_tables_say(
    postgres: PostgresServer, fresh: Database
) -> None:
    """Conditions of indexes and names of constraints included, which alembic does not compare."""
    created = await empty(postgres)
    for schema in SCHEMAS:
        engine = create_async_engine(async_url(created.urls[schema].owner), poolclass=NullPool)
        async with engine.begin() as connection:
            await connection.run_sync(metadata_of(schema).create_all)
        await engine.dispose()

        said = await structure_of(created.admin, schema)
        assert await structure_of(fresh.admin, schema) == said


@each_schema
async def test_every_table_is_the_tenants_own_and_workers_see_claims_alone(
    fresh: Database, schema: str
) -> None:
    expected: dict[str, str] = {}
    for table in metadata_of(schema).sorted_tables:
        assert "tenant" in table.primary_key.columns
        expected |= expected_security(
            schema,
            table.name,
            append_only=table.name in APPEND_ONLY[schema],
            worker=WORKER[schema].get(table.name, {}),
        )

    assert await security_of(fresh.admin, schema) == expected


@each_schema
async def test_an_upgrade_of_the_newest_schema_changes_nothing(
    fresh: Database, schema: str
) -> None:
    assert not (await fresh.upgrade(schema)).changed


async def test_a_schema_of_a_newer_release_is_refused_with_the_version_to_install(
    postgres: PostgresServer,
) -> None:
    database = await empty(postgres)
    await database.upgrade("registry")
    connection = await asyncpg.connect(database.admin)
    await connection.execute("UPDATE registry.alembic_version SET version_num = '9999'")
    await connection.execute("COMMENT ON SCHEMA registry IS 'phoenix-dma 9.9.0'")
    await connection.close()

    with pytest.raises(SchemaTooNew, match=r"install phoenix-dma 9\.9\.0 or newer") as refused:
        await database.upgrade("registry")
    assert "registry is at revision 9999" in str(refused.value)


@each_schema
def test_revisions_are_numbered_without_a_gap(schema: str) -> None:
    found = revisions(f"{schema}_svc")
    assert found == [f"{number:04}" for number in range(1, len(found) + 1)]
