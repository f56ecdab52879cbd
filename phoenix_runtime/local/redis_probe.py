"""Probes whether a Redis or Valkey answers. Imported late: the client takes long to import."""

from __future__ import annotations

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from phoenix_runtime.local.connections import words_of
from phoenix_runtime.local.errors import LocalRuntimeError, host_of


class RedisUnusable(LocalRuntimeError):
    """The external Redis cannot be reached, or refuses the login that was given."""

    reason = "REDIS_UNUSABLE"
    remedy = (
        "See that the server is up and takes the login of --redis-url; without --redis-url a "
        "private one is started."
    )


def client_for(url: str) -> redis.Redis:
    """Return a client that raises the first error instead of retrying."""
    client: redis.Redis = redis.from_url(url, socket_timeout=5, retry=Retry(NoBackoff(), 0))
    return client


async def require(url: str) -> None:
    """Raise `RedisUnusable` unless the external Redis or Valkey at ``url`` answers."""
    try:
        async with client_for(url) as client:
            await client.ping()
    except (OSError, ValueError, redis.RedisError) as error:
        host = host_of(url)
        text = f"Redis at {host}: {words_of(error)}"
        raise RedisUnusable(text, {"server": host}) from error


async def answers(client: redis.Redis) -> bool:
    """Tell whether the server replies to PING; a refused password is raised, not waited for."""
    try:
        return bool(await client.ping())
    except (redis.BusyLoadingError, redis.TimeoutError):
        return False
    except redis.AuthenticationError:
        raise
    except redis.ConnectionError:
        return False
