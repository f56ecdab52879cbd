"""The runner of schema revisions: one at a time, all or nothing, and what it says it did."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from phoenix_runtime.chassis.data.migrations import upgrade
from phoenix_runtime.chassis.data.schema_revisions import revisions
from tests.support.servers.postgres import PostgresServer

REVISION = """
from alembic import op
from phoenix_runtime.chassis.data.revision_operations import run_sql

revision = "{number}"
down_revision = {before!r}

def upgrade():
    run_sql(op, __file__, "{number}.sql")
"""
FIRST = "CREATE TABLE notes (tenant TEXT NOT NULL, text TEXT NOT NULL);\n"
SECOND = "ALTER TABLE notes RENAME COLUMN text TO content;\n"
BROKEN = "ALTER TABLE notes ADD COLUMN more TEXT;\nALTER TABLE missing ADD COLUMN more TEXT;\n"


class Package:
    """A service's package with revisions that the test writes."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self._versions = folder / name / "store" / "migrations" / "versions"
        self._versions.mkdir(parents=True)
        (folder / name / "__init__.py").touch()

    def add(self, sql: str) -> None:
        """Add the next revision."""
        known = revisions(self.name)
        number = f"{len(known) + 1:04}"
        script = REVISION.format(number=number, before=known[-1] if known else None)
        (self._versions / f"{number}_next.py").write_text(script)
        (self._versions / f"{number}.sql").write_text(sql)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    monkeypatch.syspath_prepend(tmp_path)
    made = Package(tmp_path, f"service_{uuid4().hex}")
    made.add(FIRST)
    return made


@pytest.fixture
async def owner(postgres: PostgresServer) -> str:
    """The URL of the registry's owner in a database without tables."""
    urls, _ = await postgres.empty(f"revisions_{uuid4().hex}")
    return urls["registry"].owner


async def columns(owner: str) -> list[str]:
    connection = await asyncpg.connect(owner)
    query = "SELECT column_name FROM information_schema.columns WHERE table_name = 'notes'"
    found = [row[0] for row in await connection.fetch(query)]
    await connection.close()
    return sorted(found)


async def test_each_upgrade_runs_what_is_new_and_says_from_where_to_where(
    package: Package, owner: str
) -> None:
    made = await upgrade(package.name, owner, schema="registry")
    package.add(SECOND)
    changed = await upgrade(package.name, owner, schema="registry")
    again = await upgrade(package.name, owner, schema="registry")

    assert [(one.before, one.after) for one in (made, changed, again)] == [
        ("", "0001"),
        ("0001", "0002"),
        ("0002", "0002"),
    ]
    assert await columns(owner) == ["content", "tenant"]


async def test_replicas_that_start_together_upgrade_once(package: Package, owner: str) -> None:
    package.add(SECOND)
    done = await asyncio.gather(
        *(upgrade(package.name, owner, schema="registry") for _ in range(3))
    )
    assert sorted(one.before for one in done) == ["", "0002", "0002"]


async def test_a_revision_that_fails_changes_nothing(package: Package, owner: str) -> None:
    await upgrade(package.name, owner, schema="registry")
    package.add(SECOND)
    package.add(BROKEN)

    with pytest.raises(Exception, match="missing"):
        await upgrade(package.name, owner, schema="registry")

    assert await columns(owner) == ["tenant", "text"]
    assert (await upgrade(package.name, owner, schema="registry", revision="0002")).changed
