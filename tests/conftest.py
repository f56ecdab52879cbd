"""Real servers for every test that asks for one: started once, in under a second."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import structlog
from hypothesis import HealthCheck, settings

from phoenix_runtime.local.runtime import LocalRuntime, LocalRuntimeOptions
from tests.support.builders.keys import Keys
from tests.support.servers.postgres import PostgresServer, clock, database_for, tenant
from tests.support.servers.temporary import temporary
from tests.support.servers.valkey import redis_client, stream, valkey
from tests.support.waiting.until import PATIENCE

__all__ = ["clock", "database_for", "redis_client", "stream", "tenant", "valkey"]

# Read by the test kit when it is loaded, below: a test waits as patiently there as anywhere.
os.environ["PHOENIX_DMA_TEST_PATIENCE"] = str(PATIENCE)

pytest_plugins = [
    "phoenix_dma.testing",
    "tests.support.plugins.machine_load",
    "tests.support.plugins.workers",
]

# How long an example takes says how busy the machine is, and nothing of what is tested. What is
# drawn is the same everywhere: what was seen to hold on one machine is what another one tries.
settings.register_profile(
    "any machine",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")

# The default prints every local of every frame of an error: seconds, in which no loop runs.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_servers() -> AsyncIterator[LocalRuntime]:
    """PostgreSQL and Valkey with every schema and role; no service."""
    async with temporary(LocalRuntime(LocalRuntimeOptions.temporary(services=()))) as runtime:
        yield runtime


@pytest.fixture(scope="session")
def postgres(shared_servers: LocalRuntime) -> PostgresServer:
    """The PostgreSQL of the test run."""
    return PostgresServer(shared_servers)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """An issuer and the services' keys, as files."""
    folder: Path = tmp_path_factory.mktemp("keys")
    return Keys(folder)
