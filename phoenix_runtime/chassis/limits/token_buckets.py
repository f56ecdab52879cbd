"""Token buckets, one for each tenant and kind of call."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from phoenix_runtime.chassis.schema import PACKAGE, Rpc
from phoenix_runtime.core.clock import Clock

REMEMBERED: Final = 10_000
"""Buckets that are kept; among more, those that are full again are forgotten."""
COSTLY: Final = frozenset({"GetTaskDossier", "QueryCapabilityGraph", "TryPolicy"})
"""Reads that cost as much as those that ask policy."""


class Kind(StrEnum):
    """What a call costs. Beats have a bucket of their own: no flood of reads fails an agent."""

    MUTATION = "mutation"
    READ = "read"
    SEARCH = "search"
    BEAT = "beat"


def kind_of(rpc: Rpc) -> Kind:
    """The kind of ``rpc``, by what the schema says of it."""
    if rpc.service == f"{PACKAGE}.SessionService":
        return Kind.BEAT
    repeatable = "request_id" in rpc.request.DESCRIPTOR.fields_by_name
    if repeatable or (rpc.audit_events and not rpc.policies):
        return Kind.MUTATION
    return Kind.SEARCH if rpc.policies or rpc.method in COSTLY else Kind.READ


class Bucket:
    """Tokens: ``rate`` a second, at most ``burst`` seconds' worth of them. Times in seconds."""

    __slots__ = ("_level", "_most", "_rate", "_then")

    def __init__(self, *, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._most = self._level = max(1.0, rate * burst)
        self._then = now

    def take(self, now: float) -> float:
        """Take a token; answers 0, or the seconds until there will be one."""
        self._fill(now)
        if self._level < 1.0:
            return (1.0 - self._level) / self._rate
        self._level -= 1.0
        return 0.0

    def borrow(self, now: float) -> float:
        """Take a token in any case; the seconds until it is there, for the taker to wait."""
        self._fill(now)
        self._level -= 1.0
        return max(0.0, -self._level / self._rate)

    def full(self, now: float) -> bool:
        """Whether it is full, so that forgetting it changes nothing."""
        self._fill(now)
        return self._level >= self._most

    def _fill(self, now: float) -> None:
        self._level = min(self._most, self._level + (now - self._then) * self._rate)
        self._then = now


class Buckets:
    """Every tenant's buckets. A kind without a rate, or with 0, is not counted."""

    def __init__(self, rates: Mapping[Kind, float], *, burst: float, clock: Clock) -> None:
        self._rates = rates
        self._burst = burst
        self._clock = clock
        self._kept: dict[tuple[str, Kind], Bucket] = {}

    def take(self, tenant: str, kind: Kind) -> float:
        """See `Bucket.take`."""
        bucket = self._bucket(tenant, kind)
        return 0.0 if bucket is None else bucket.take(self._clock.monotonic())

    def borrow(self, tenant: str, kind: Kind) -> float:
        """See `Bucket.borrow`."""
        bucket = self._bucket(tenant, kind)
        return 0.0 if bucket is None else bucket.borrow(self._clock.monotonic())

    def _bucket(self, tenant: str, kind: Kind) -> Bucket | None:
        rate = self._rates.get(kind, 0.0)
        if not rate:
            return None
        bucket = self._kept.get((tenant, kind))
        if bucket is None:
            now = self._clock.monotonic()
            self._forget(now)
            bucket = Bucket(rate=rate, burst=self._burst, now=now)
            self._kept[tenant, kind] = bucket
        return bucket

    def _forget(self, now: float) -> None:
        if len(self._kept) >= REMEMBERED:
            self._kept = {key: one for key, one in self._kept.items() if not one.full(now)}
