"""A data folder of an older release is upgraded; one of a newer release is refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace

import asyncpg
import pytest

from phoenix_runtime.chassis.data.schema_revisions import newest_revision
from phoenix_runtime.local.postgres.schema_versions import DataTooNew, pending_upgrades
from phoenix_runtime.local.runtime import LocalRuntime, LocalRuntimeOptions
from tests.support.processes.terminal import Terminal, ended
from tests.support.schemas.predecessor import SCHEMAS, TENANT, load_predecessor

FORMER_LOCK = "house.lock"  # codespell:ignore house
FIRST = "0001"


@pytest.fixture
def options() -> Iterator[LocalRuntimeOptions]:
    """A runtime without services in a fresh folder."""
    options = LocalRuntimeOptions.temporary(services=())
    yield options
    shutil.rmtree(options.data)


async def made_by_the_predecessor(options: LocalRuntimeOptions) -> None:
    """Leave the data folder as the predecessor's runtime leaves it."""
    async with LocalRuntime(options) as runtime:
        await load_predecessor(runtime.admin_url)
    (options.data / "runtime.lock").rename(options.data / FORMER_LOCK)


async def test_up_upgrades_what_the_predecessor_made_and_says_so(
    options: LocalRuntimeOptions,
) -> None:
    await made_by_the_predecessor(options)
    terminal = Terminal(options.data)
    keys = {file.name: file.read_text() for file in (options.data / "keys").iterdir()}

    process, _ = terminal.up()
    verified = terminal.run("audit", "verify", "--tenant", TENANT)
    assert terminal.status()["up"]
    assert terminal.run("down").returncode == 0
    code, said = ended(process)

    assert code == 0, said
    newest = {schema: newest_revision(f"{schema}_svc") for schema in SCHEMAS}
    lines = [line for line in said.splitlines() if line.startswith("upgraded ")]
    assert lines == [
        f"upgraded {schema} schema {FIRST} → {revision}"
        for schema, revision in newest.items()
        if revision != FIRST
    ]
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert not (options.data / FORMER_LOCK).exists()
    kept = {file.name: file.read_text() for file in (options.data / "keys").iterdir()}
    assert keys.items() <= kept.items()


async def test_an_older_revision_is_found_before_anything_starts(
    options: LocalRuntimeOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"registry_svc": [FIRST, "0002"], "state_svc": [FIRST]}
    monkeypatch.setattr(
        "phoenix_runtime.local.postgres.schema_versions.revisions", known.__getitem__
    )
    async with LocalRuntime(options) as runtime:
        assert await pending_upgrades(runtime.admin_url, ["registry"]) == [], "there is nothing yet"
        await load_predecessor(runtime.admin_url, "registry", "state")
        found = await pending_upgrades(runtime.admin_url, ["registry", "state"])
    assert list(map(str, found)) == ["upgraded registry schema 0001 → 0002"]


async def test_a_folder_of_a_newer_release_is_refused_with_the_version_to_install(
    options: LocalRuntimeOptions,
) -> None:
    async with LocalRuntime(options) as runtime:
        await load_predecessor(runtime.admin_url, "state")
        connection = await asyncpg.connect(runtime.admin_url)
        await connection.execute("UPDATE state.alembic_version SET version_num = '9999'")
        await connection.execute("COMMENT ON SCHEMA state IS 'phoenix-dma 9.9.0'")
        await connection.close()

    with pytest.raises(DataTooNew, match=r"install phoenix-dma 9\.9\.0 or newer"):
        await LocalRuntime(replace(options, services=("state",))).start()
