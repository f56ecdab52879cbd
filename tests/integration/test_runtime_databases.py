"""The private PostgreSQL and Valkey of a runtime, without any service but the one that decides."""

from __future__ import annotations

import math
import os
import shutil
import signal
import stat
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
import redis.asyncio as redis

from phoenix_runtime.local import decisions, ports
from phoenix_runtime.local.data_folder.files import temporary_folder
from phoenix_runtime.local.data_folder.folder import DataFolder
from phoenix_runtime.local.data_folder.lock import AlreadyUp
from phoenix_runtime.local.decisions import CannotDecide
from phoenix_runtime.local.errors import LocalRuntimeError
from phoenix_runtime.local.postgres.server import Postgres
from phoenix_runtime.local.processes.supervisor import ProgramDied, Supervisor
from phoenix_runtime.local.redis_probe import client_for
from phoenix_runtime.local.runtime import LocalRuntime, LocalRuntimeOptions
from phoenix_runtime.local.valkey import Valkey
from tests.support.fakes.opa import FakeOpa
from tests.support.servers.temporary import temporary


@pytest.fixture
def options() -> Iterator[LocalRuntimeOptions]:
    options = LocalRuntimeOptions.temporary(services=())
    yield options
    shutil.rmtree(options.data)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runtime() -> AsyncIterator[LocalRuntime]:
    """One runtime for all tests that leave it as it is."""
    async with temporary(LocalRuntime(LocalRuntimeOptions.temporary(services=()))) as runtime:
        yield runtime


async def remember(url: str, text: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE IF NOT EXISTS notes (text text)")
    await connection.execute("INSERT INTO notes VALUES ($1)", text)
    await connection.close()


async def recall(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch("SELECT text FROM notes")
    await connection.close()
    return [row["text"] for row in rows]


async def test_data_survives_a_restart(options: LocalRuntimeOptions) -> None:
    async with LocalRuntime(options) as runtime:
        await remember(runtime.databases["registry"].owner, "kept")
    async with LocalRuntime(options) as runtime:
        assert await recall(runtime.databases["registry"].owner) == ["kept"]


async def test_what_was_acknowledged_survives_kill_9_of_the_database(
    options: LocalRuntimeOptions,
) -> None:
    async with LocalRuntime(options) as runtime:
        await remember(runtime.databases["state"].owner, "acknowledged")
        os.kill(runtime.pid("postgres"), signal.SIGKILL)
        death = await runtime.until_death()
        assert isinstance(death, ProgramDied)
        assert death.name == "postgres"
    async with LocalRuntime(options) as runtime:
        assert await recall(runtime.databases["state"].owner) == ["acknowledged"]


async def test_a_second_runtime_in_the_same_folder_says_that_it_is_already_up(
    runtime: LocalRuntime,
) -> None:
    with pytest.raises(AlreadyUp, match=str(os.getpid())):
        await LocalRuntime(runtime.options).start()
    connection = await asyncpg.connect(runtime.admin_url)  # the first one is unharmed
    await connection.close()


async def test_the_folder_is_free_again_after_a_stop(options: LocalRuntimeOptions) -> None:
    async with LocalRuntime(options):
        assert DataFolder(options.data).holder() == os.getpid()
    assert DataFolder(options.data).holder() is None
    assert DataFolder(options.data).record() is None


async def test_application_and_worker_roles_own_no_table_and_can_make_none(
    runtime: LocalRuntime,
) -> None:
    for urls in runtime.databases.values():
        for url in (urls.application, urls.worker):
            connection = await asyncpg.connect(url)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("CREATE TABLE mine (id int)")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("CREATE TABLE public.mine (id int)")
            await connection.close()


async def test_no_service_reads_the_schema_of_another(runtime: LocalRuntime) -> None:
    await remember(runtime.databases["governance"].owner, "a decision")
    for role in (runtime.databases["registry"].owner, runtime.databases["registry"].application):
        connection = await asyncpg.connect(role)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT * FROM governance.notes")
        await connection.close()


async def test_the_database_refuses_a_wrong_password(runtime: LocalRuntime) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(runtime.admin_url, password="guessed")


async def test_commits_are_durable_as_in_production(runtime: LocalRuntime) -> None:
    connection = await asyncpg.connect(runtime.admin_url)
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert await connection.fetchval(f"SHOW {setting}") == "on"
    await connection.close()


async def test_valkey_refuses_whoever_has_no_password(runtime: LocalRuntime) -> None:
    async with client_for(f"redis://{runtime.address('valkey')}") as unauthenticated:
        with pytest.raises(redis.AuthenticationError):
            await unauthenticated.ping()


async def test_valkey_keeps_nothing_over_a_restart(options: LocalRuntimeOptions) -> None:
    async with LocalRuntime(options) as runtime, redis.from_url(runtime.redis_url) as client:
        await client.set("lease", "old")
    async with LocalRuntime(options) as runtime, redis.from_url(runtime.redis_url) as client:
        assert await client.get("lease") is None


async def test_secrets_are_for_their_owner_alone(runtime: LocalRuntime) -> None:
    files = [
        runtime.profile,
        runtime.folder.secrets / "operator.jwt",
        *runtime.folder.keys.iterdir(),
    ]
    assert len(files) > 6
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    for folder in (runtime.folder.keys, runtime.folder.secrets, runtime.folder.postgres):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder


async def test_keys_and_credential_stay_the_same_over_a_restart(
    options: LocalRuntimeOptions,
) -> None:
    def contents(runtime: LocalRuntime) -> dict[str, str]:
        credential = runtime.folder.secrets / "operator.jwt"
        return {
            file.name: file.read_text() for file in (credential, *runtime.folder.keys.iterdir())
        }

    async with LocalRuntime(options) as runtime:
        before = contents(runtime)
    async with LocalRuntime(options) as runtime:
        assert contents(runtime) == before


@pytest.fixture
async def servers_of_ones_own() -> AsyncIterator[tuple[str, str]]:
    """URLs of a PostgreSQL that was never prepared, for a role with few rights, and of a Valkey."""
    folder = DataFolder(temporary_folder())
    folder.create()
    supervisor = Supervisor()
    await supervisor.open()
    port = ports.choose(free=True)
    postgres, valkey = Postgres(folder, port["postgres"]), Valkey(folder, port["valkey"])
    await postgres.start(supervisor)
    await valkey.start(supervisor)
    connection = await asyncpg.connect(postgres.url, database="postgres")
    await connection.execute("CREATE ROLE dba LOGIN CREATEROLE CREATEDB PASSWORD 'known'")
    await connection.close()
    yield f"postgresql://dba:known@127.0.0.1:{postgres.port}/ours", valkey.url
    await supervisor.close()
    shutil.rmtree(folder.path)


async def test_servers_of_ones_own_take_the_place_of_the_private_ones(
    options: LocalRuntimeOptions, servers_of_ones_own: tuple[str, str]
) -> None:
    postgres_url, redis_url = servers_of_ones_own
    borrowed = replace(options, postgres_url=postgres_url, redis_url=redis_url)
    for _ in range(2):  # the second time everything is there already
        async with LocalRuntime(borrowed) as runtime:
            assert runtime.redis_url == redis_url
            await remember(runtime.databases["registry"].owner, "kept")
            with pytest.raises(KeyError):
                runtime.pid("postgres")
    assert not (options.data / "postgres").exists()


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("postgres_url", "PostgreSQL at 127.0.0.1:1"),
        ("redis_url", "Redis at 127.0.0.1:1"),
        ("opa_url", "OPA at 127.0.0.1:1"),
    ],
)
async def test_a_server_of_ones_own_that_is_away_is_named_without_its_password(
    options: LocalRuntimeOptions, part: str, said: str
) -> None:
    scheme = {"postgres_url": "postgresql", "redis_url": "redis", "opa_url": "http"}[part]
    chosen: dict[str, str] = {part: f"{scheme}://me:secret@127.0.0.1:1/db"}
    with pytest.raises(LocalRuntimeError, match=said) as refused:
        await LocalRuntime(replace(options, **chosen)).start()  # type: ignore[arg-type]
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("fault", ["500", "garbage", "undefined", "true"])
async def test_a_runtime_whose_policy_decides_nothing_is_not_up(
    options: LocalRuntimeOptions, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """An OPA is there and answers, but no decisions: what is certainly none is not waited for."""
    monkeypatch.setattr(decisions, "DECISION_SECONDS", 0.0 if fault == "500" else math.inf)
    async with FakeOpa() as opa:
        judged = replace(options, opa_url=opa.url, services=("governance",))
        with (
            opa.failing(fault),
            pytest.raises(CannotDecide, match="The OPA at") as refused,
        ):
            await LocalRuntime(judged).start()
    assert "No policy is loaded" in str(refused.value)
    assert DataFolder(options.data).holder() is None


async def test_an_engine_that_is_none_is_not_waited_for(
    options: LocalRuntimeOptions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The package is there and is no engine, as after a fetch that somebody has damaged."""
    monkeypatch.setattr(decisions, "DECISION_SECONDS", math.inf)
    (tmp_path / "opa_bindings.py").write_text("")
    alone = replace(options, services=("governance",), environment={"PYTHONPATH": str(tmp_path)})
    with pytest.raises(CannotDecide, match="ended with code 1 before it answered") as refused:
        await LocalRuntime(alone).start()
    assert "_native" in refused.value.text, "the log says why"
    assert "pip install" in refused.value.remedy
    assert "phoenix-dma up --opa-url" in refused.value.remedy
    assert DataFolder(options.data).holder() is None


def test_a_temporary_folder_lets_the_database_user_pass() -> None:
    folder = temporary_folder()
    expected = 0o711 if os.geteuid() == 0 else 0o700
    assert stat.S_IMODE(folder.stat().st_mode) == expected
    folder.rmdir()
