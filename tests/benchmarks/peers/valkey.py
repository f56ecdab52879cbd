"""Valkey, the runtime's own: SET with an expiry, in pipelines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import redis.asyncio as redis

PIPELINE: Final = 16
TTL: Final = 600


def setting(client: redis.Redis, keys: int) -> Callable[[], Awaitable[None]]:
    """A call that renews the next sixteen of so many keys in one pipeline."""
    at = [0]

    async def renew() -> None:
        pipeline = client.pipeline(transaction=False)
        for number in range(at[0], at[0] + PIPELINE):
            pipeline.set(f"lease:{number % keys}", "1", ex=TTL)
        at[0] += PIPELINE
        await pipeline.execute()

    return renew
