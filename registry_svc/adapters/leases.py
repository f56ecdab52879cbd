"""Lease deadlines in Redis or Valkey: one sorted set a shard, swept by a script."""

import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from redis.asyncio import Redis

from phoenix_runtime.chassis.failpoints import CLAIM_AND_COMMIT, passing
from phoenix_runtime.chassis.redis import redis_reachable
from phoenix_runtime.core.clock import Clock
from registry_svc.adapters.lease_scripts import LEFT, RELEASE, SEEDED, SWEEP, WATCH, WRITE
from registry_svc.domain.ports import Claim, Sweep, SweepState
from registry_svc.domain.presence import LeaseKey

CLAIM_MILLISECONDS: Final = 10_000
DRIFT_MILLISECONDS: Final = 1_000
STATES: Final = {
    b"steady": SweepState.STEADY,
    b"new": SweepState.NEW,
    b"drifted": SweepState.DRIFTED,
    b"unwatched": SweepState.UNWATCHED,
}


class RedisLeases:
    """Implements `domain.ports.Leases`. Every method raises `Unavailable`.

    No key has a TTL and no keyspace notification is used: with 10,000 of 100,000 keys dead those
    told of 1,805 in a minute, the sorted set of all at once. ``replica`` is whose eyes these are.
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
        self._watchers = [f"{name}:{{{shard}}}:watchers" for shard in range(shards)]
        self._watch = client.register_script(WATCH)
        self._left = client.register_script(LEFT)
        self._write = client.register_script(WRITE)
        self._sweep = client.register_script(SWEEP)
        self._seeded = client.register_script(SEEDED)
        self._release = client.register_script(RELEASE)
        self._seen: dict[int, tuple[int, float]] = {}
        """By shard: the time there, and the monotonic time here, at the last look."""

    async def write(self, deadlines: Mapping[LeaseKey, float]) -> None:
        """See the port."""
        for shard, leases in self._by_shard(deadlines).items():
            arguments: list[Any] = []
            for lease in leases:
                arguments += (_member(lease), int(deadlines[lease] * 1000))
            with redis_reachable():
                await self._write(keys=[self._deadlines[shard]], args=arguments)

    async def seeded(self) -> None:
        """See the port. The clocks begin anew, too."""
        self._seen.clear()
        for sentinel, watchers in zip(self._sentinels, self._watchers, strict=True):
            with redis_reachable():
                await self._seeded(keys=[sentinel, watchers])

    async def watching(self, seconds: float) -> None:
        """See the port."""
        for watchers in self._watchers:
            with redis_reachable():
                await self._watch(keys=[watchers], args=[self._replica, int(seconds * 1000)])

    async def left(self, leases: Sequence[LeaseKey]) -> dict[LeaseKey, float]:
        """See the port."""
        left: dict[LeaseKey, float] = {}
        for shard, members in self._by_shard(leases).items():
            with redis_reachable():
                found = await self._left(keys=[self._deadlines[shard]], args=map(_member, members))
            known = zip(members, found, strict=True)
            left |= {lease: int(one) / 1000 for lease, one in known if one is not None}
        return left

    async def sweep(self, limit: int) -> Sweep:
        """See the port."""
        claims: list[Claim] = []
        for shard in range(len(self._deadlines)):
            state, found = await self._swept(shard, limit - len(claims))
            if state is not SweepState.STEADY:
                return Sweep(state, ())
            claims += found
            if len(claims) >= limit:
                break
        if claims:
            passing(CLAIM_AND_COMMIT, *(claim.lease.tenant for claim in claims))
        return Sweep(SweepState.STEADY, tuple(claims))

    async def release(self, claims: Sequence[Claim]) -> None:
        """See the port."""
        scores = {claim.lease: claim.score for claim in claims}
        for shard, leases in self._by_shard(scores).items():
            arguments: list[Any] = []
            for lease in leases:
                arguments += (_member(lease), scores[lease])
            with redis_reachable():
                await self._release(keys=[self._deadlines[shard]], args=arguments)

    async def _swept(self, shard: int, limit: int) -> tuple[SweepState, list[Claim]]:
        asked = self._clock.monotonic()
        keys = [self._deadlines[shard], self._sentinels[shard], self._watchers[shard]]
        expected = self._expected(shard, asked)
        terms = [expected, DRIFT_MILLISECONDS, CLAIM_MILLISECONDS, limit]
        with redis_reachable():
            answer = await self._sweep(keys=keys, args=[*terms, self._replica])
        state = STATES[answer[0]]
        if state is SweepState.STEADY:
            self._seen[shard] = (int(answer[1]), asked)
            return state, [Claim(_lease(one), int(answer[2])) for one in answer[3]]
        return state, []

    def _expected(self, shard: int, now: float) -> int:
        """What Redis' clock has to show, if it went as ours did; -1 before the first look."""
        if shard not in self._seen:
            return -1
        there, here = self._seen[shard]
        return there + int((now - here) * 1000)

    def _by_shard(self, leases: Iterable[LeaseKey]) -> dict[int, list[LeaseKey]]:
        shards = len(self._deadlines)
        by_shard: defaultdict[int, list[LeaseKey]] = defaultdict(list)
        for lease in leases:
            name = f"{lease.tenant}/{lease.participant_id}"
            by_shard[zlib.crc32(name.encode()) % shards].append(lease)
        return by_shard


def _member(lease: LeaseKey) -> str:
    """None of the parts can contain a slash."""
    return f"{lease.tenant}/{lease.participant_id}/{lease.generation}"


def _lease(member: bytes) -> LeaseKey:
    tenant, participant_id, generation = member.decode().split("/")
    return LeaseKey(tenant, participant_id, int(generation))
