"""Imports of the SDK: every public name resolves, and nothing of the server comes along."""

import subprocess
import sys

import pytest

import phoenix_dma
from phoenix_dma.cli import COMMANDS

SERVER_ONLY = {
    "alembic",
    "asyncpg",
    "opentelemetry",
    "phoenix_runtime",
    "pydantic",
    "redis",
    "sqlalchemy",
    "starlette",
    "structlog",
    "uvicorn",
}


def modules_after(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after ``statement``."""
    program = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("name", phoenix_dma.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(phoenix_dma, name).__name__ == name


@pytest.mark.parametrize(
    "module", sorted({getattr(phoenix_dma, name).__module__ for name in phoenix_dma.__all__})
)
def test_a_module_of_public_names_may_be_the_first_that_is_imported(module: str) -> None:
    assert "phoenix_dma" in modules_after(f"import {module}")


def test_the_asynchronous_names_resolve() -> None:
    assert modules_after("from phoenix_dma.aio import AsyncPhoenixClient, AsyncTask")


def test_importing_the_package_loads_no_third_party() -> None:
    assert not {"google", "grpc", "rich", "rfc8785", "typer"} & modules_after("import phoenix_dma")


@pytest.mark.parametrize(
    "statement",
    [
        "from phoenix_dma import PhoenixClient",
        "import phoenix_dma.aio",
        "import phoenix_dma.wire.conversions",
    ],
)
def test_importing_the_sdk_loads_nothing_of_the_server(statement: str) -> None:
    assert not SERVER_ONLY & modules_after(statement)


def test_importing_the_adapters_package_loads_no_adapter() -> None:
    before = modules_after("import phoenix_dma")
    assert modules_after("import phoenix_dma.adapters") == before


def test_what_starts_a_runtime_loads_no_client_before_it_starts_anything() -> None:
    """They take most of a second to import, and nothing has been started until then."""
    loaded = modules_after("import phoenix_runtime.local.for_tests")
    assert not {"httpx", "opentelemetry", "redis", "sqlalchemy"} & loaded


RUN = """
import contextlib, io, sys
import phoenix_dma.cli as cli
for command in {commands!r}:
    sys.argv = ['phoenix-dma', *command.split()]
    streams = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
    with streams[0], streams[1], contextlib.suppress(SystemExit):
        cli.main()
"""
LOCAL = {"up", "down", "status"}
HEAVY = SERVER_ONLY | {"asyncio", "grpc", "mcp", "rich"}


def test_the_list_of_commands_loads_none_of_them() -> None:
    loaded = modules_after(RUN.format(commands=["--help", "--version"]))
    assert "typer" in loaded
    assert not (HEAVY | {"google", "ssl"}) & loaded


def test_the_help_of_a_clients_command_loads_neither_grpc_nor_the_server() -> None:
    commands = [f"{name} --help" for name in COMMANDS if name not in LOCAL]
    loaded = modules_after(RUN.format(commands=[*commands, "audit verify --help"]))
    assert HEAVY & loaded == set()


def test_the_help_of_a_local_command_loads_no_service() -> None:
    commands = [f"{name} --help" for name in LOCAL]
    loaded = modules_after(RUN.format(commands=commands))
    assert not (SERVER_ONLY - {"phoenix_runtime"} | {"grpc"}) & loaded


def test_a_command_finds_that_nothing_listens_before_it_loads_grpc(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PHOENIX_DMA_ADDRESS", "127.0.0.1:1")
    loaded = modules_after(RUN.format(commands=["tasks", "audit", "submit --objective o"]))
    assert HEAVY & loaded == set()
