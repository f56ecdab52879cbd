"""One real Valkey for all tests; each test its own stream, and keys below its own tenant."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.redis import create_redis
from phoenix_runtime.local.runtime import LocalRuntime


@pytest.fixture
def valkey(shared_servers: LocalRuntime) -> str:
    """The URL of the server."""
    return shared_servers.redis_url


@pytest_asyncio.fixture
async def redis_client(valkey: str) -> AsyncIterator[Redis]:
    """A client, closed after the test. Other tests use the same server: never flush it."""
    client = create_redis(valkey, name="phoenix-dma-test")
    yield client
    await client.aclose()


@pytest.fixture
def stream() -> str:
    """The name of a bus that nobody else reads."""
    return new_id("phoenix_dma:test")
