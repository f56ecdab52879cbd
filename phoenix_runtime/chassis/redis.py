"""Connections to Redis or Valkey, which hold lease deadlines and bus events and no durable fact."""

import contextlib
from collections.abc import Iterator

import redis.exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from phoenix_runtime.core.errors import Unavailable

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0


def create_redis(url: str, *, name: str, connections: int = 32) -> Redis:
    """Return a client of ``url`` (``redis://…``); it connects when first used, and answers bytes.

    A command whose connection was lost is sent once more on a new one: send only what may run
    twice.
    """
    return Redis.from_url(
        url,
        client_name=name,
        max_connections=connections,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        socket_keepalive=True,
        retry=Retry(ExponentialBackoff(cap=0.1, base=0.01), retries=1),
    )


@contextlib.contextmanager
def redis_reachable() -> Iterator[None]:
    """Turn a server that is away, loading or out of memory into `core.errors.Unavailable`."""
    try:
        yield
    except (
        redis.exceptions.ConnectionError,
        redis.exceptions.TimeoutError,
        redis.exceptions.BusyLoadingError,
        redis.exceptions.OutOfMemoryError,
        redis.exceptions.ReadOnlyError,
        OSError,
    ) as error:
        raise Unavailable("Redis is unavailable; try again") from error
