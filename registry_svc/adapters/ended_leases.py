"""Leases that somebody who debugs says are over; `phoenix_runtime.local.for_tests` says it."""

from typing import Any, Final

from redis.asyncio import Redis

from phoenix_runtime.chassis.redis import redis_reachable
from registry_svc.adapters.lease_store import lease_of
from registry_svc.domain.session import LeaseKey

TAKEN_AT_ONCE: Final = 100


class RedisEndedLeases:
    """Implements `domain.lease_store.EndedLeases`: a set of members beside the deadlines."""

    def __init__(self, client: Redis, name: str) -> None:
        self._client = client
        self._key = f"{name}:ended"

    async def take(self) -> list[LeaseKey]:
        """See the port."""
        with redis_reachable():
            found: Any = await self._client.spop(self._key, TAKEN_AT_ONCE)
        return [lease_of(member) for member in found or ()]
