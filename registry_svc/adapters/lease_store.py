"""Lease deadlines in Redis or Valkey: one sorted set a shard, swept by a script."""

import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from redis.asyncio import Redis

from phoenix_runtime.chassis.failpoints import CLAIM_AND_COMMIT, passing
from phoenix_runtime.chassis.redis import redis_reachable
from phoenix_runtime.core.clock import Clock
from registry_svc.adapters.lease_scripts import ALIVE, RELEASE, REMAINING, SEEDED, SWEEP, WRITE
from registry_svc.domain.lease import CLAIM_SECONDS
from registry_svc.domain.lease_store import LeaseClaim, LeaseStoreState, SweepResult
from registry_svc.domain.session import LeaseKey

CLAIM_MILLISECONDS: Final = int(CLAIM_SECONDS * 1000)
DRIFT_MILLISECONDS: Final = 1_000
STATES: Final = {state.name.lower().encode(): state for state in LeaseStoreState}


class RedisLeaseStore:
    """Implements `domain.lease_store.LeaseStore`. Every method raises `Unavailable`.

    No key has a TTL and no keyspace notification is used: of 10,000 expired keys among 100,000
    notifications reported 1,805 within a minute, the sorted set reports all at once. ``replica``
    names this replica among those that share the store.
    """

    def __init__(
        self,
        client: Redis,
        clock: Clock,
        *,
        replica: str,
        name: str = "phoenix_dma:leases",
        shards: int = 1,
    ) -> None:
        self._clock = clock
        self._replica = replica
        # The braces keep a shard's keys on one node of a cluster.
        self._deadlines = [f"{name}:{{{shard}}}:deadlines" for shard in range(shards)]
        self._sentinels = [f"{name}:{{{shard}}}:seeded" for shard in range(shards)]
        self._replicas = [f"{name}:{{{shard}}}:watchers" for shard in range(shards)]
        self._alive = client.register_script(ALIVE)
        self._remaining = client.register_script(REMAINING)
        self._write = client.register_script(WRITE)
        self._sweep = client.register_script(SWEEP)
        self._seeded = client.register_script(SEEDED)
        self._release = client.register_script(RELEASE)
        self._last_look: dict[int, tuple[int, float]] = {}
        """By shard: the time of Redis (ms), and the monotonic time here, at the last look."""

    async def write(self, deadlines: Mapping[LeaseKey, float]) -> None:
        """See the port."""
        for shard, leases in self._by_shard(deadlines).items():
            arguments: list[Any] = []
            for lease in leases:
                arguments += (_member(lease), int(deadlines[lease] * 1000))
            with redis_reachable():
                await self._write(keys=[self._deadlines[shard]], args=arguments)

    async def mark_seeded(self) -> None:
        """See the port. The clocks are compared anew, too."""
        self._last_look.clear()
        for sentinel, replicas in zip(self._sentinels, self._replicas, strict=True):
            with redis_reachable():
                await self._seeded(keys=[sentinel, replicas])

    async def report_alive(self, seconds: float) -> None:
        """See the port."""
        for replicas in self._replicas:
            with redis_reachable():
                await self._alive(keys=[replicas], args=[self._replica, int(seconds * 1000)])

    async def remaining(self, leases: Sequence[LeaseKey]) -> dict[LeaseKey, float]:
        """See the port."""
        remaining: dict[LeaseKey, float] = {}
        for shard, members in self._by_shard(leases).items():
            keys, arguments = [self._deadlines[shard]], map(_member, members)
            with redis_reachable():
                found = await self._remaining(keys=keys, args=arguments)
            known = zip(members, found, strict=True)
            remaining |= {lease: int(left) / 1000 for lease, left in known if left is not None}
        return remaining

    async def claim_expired(self, limit: int) -> SweepResult:
        """See the port."""
        claims: list[LeaseClaim] = []
        next_in: list[float] = []
        for shard in range(len(self._deadlines)):
            sweep = await self._claim_in(shard, limit - len(claims))
            if sweep.state is not LeaseStoreState.STEADY:
                return sweep
            claims += sweep.claims
            next_in += [] if sweep.next_in is None else [sweep.next_in]
            if len(claims) >= limit:
                break
        if claims:
            passing(CLAIM_AND_COMMIT, *(claim.lease.tenant for claim in claims))
        return SweepResult(LeaseStoreState.STEADY, tuple(claims), min(next_in, default=None))

    async def release(self, claims: Sequence[LeaseClaim]) -> None:
        """See the port."""
        scores = {claim.lease: claim.score for claim in claims}
        for shard, leases in self._by_shard(scores).items():
            arguments: list[Any] = []
            for lease in leases:
                arguments += (_member(lease), scores[lease])
            with redis_reachable():
                await self._release(keys=[self._deadlines[shard]], args=arguments)

    async def _claim_in(self, shard: int, limit: int) -> SweepResult:
        asked = self._clock.monotonic()
        keys = [self._deadlines[shard], self._sentinels[shard], self._replicas[shard]]
        expected = self._expected_time(shard, asked)
        terms = [expected, DRIFT_MILLISECONDS, CLAIM_MILLISECONDS, limit]
        with redis_reachable():
            answer = await self._sweep(keys=keys, args=[*terms, self._replica])
        state = STATES[answer[0]]
        if state is not LeaseStoreState.STEADY:
            return SweepResult(state)
        there, claimed_until, members, left = answer[1:]
        self._last_look[shard] = (int(there), asked)
        claims = tuple(LeaseClaim(lease_of(member), int(claimed_until)) for member in members)
        return SweepResult(state, claims, None if left < 0 else left / 1000)

    def _expected_time(self, shard: int, now: float) -> int:
        """The time of Redis, if its clock went as ours did; -1 before the first look."""
        if shard not in self._last_look:
            return -1
        there, here = self._last_look[shard]
        return there + int((now - here) * 1000)

    def _by_shard(self, leases: Iterable[LeaseKey]) -> dict[int, list[LeaseKey]]:
        shards = len(self._deadlines)
        by_shard: defaultdict[int, list[LeaseKey]] = defaultdict(list)
        for lease in leases:
            name = f"{lease.tenant}/{lease.participant_id}"
            by_shard[zlib.crc32(name.encode()) % shards].append(lease)
        return by_shard


def _member(lease: LeaseKey) -> str:
    """The member of a lease; neither an id nor a number contains a slash."""
    return f"{lease.tenant}/{lease.participant_id}/{lease.generation}"


def lease_of(member: bytes) -> LeaseKey:
    """The lease of a member."""
    tenant, participant_id, generation = member.decode().split("/")
    return LeaseKey(tenant, participant_id, int(generation))
