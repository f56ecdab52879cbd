"""Imports of the SDK: every public name resolves, and nothing of the server comes along."""

import subprocess
import sys

import pytest

import phoenix_dma

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


@pytest.mark.parametrize("command", ["--help", "tasks --help", "audit verify --help", "up --help"])
def test_a_commands_help_loads_neither_grpc_nor_the_server(command: str) -> None:
    statement = (
        "import sys\n"
        f"sys.argv = ['phoenix-dma', *{command.split()!r}]\n"
        "import phoenix_dma.cli as cli, contextlib, io\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    cli.main()"
    )
    loaded = modules_after(statement)
    assert "typer" in loaded
    assert not (SERVER_ONLY - {"phoenix_runtime"} | {"grpc"}) & loaded
