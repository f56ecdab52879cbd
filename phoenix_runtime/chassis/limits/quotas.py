"""Quotas of one tenant at one process, so that its flood does not slow other tenants.

A call is counted once, where it enters the runtime: at the gateway, or at a service that is called
directly. Calls between services and calls of workers are not counted. Counts are in memory: each
process counts its own.
"""

import asyncio
import random
from collections import Counter as Tally
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import Counter

from phoenix_runtime.chassis.limits.concurrency import ConcurrencyLimit
from phoenix_runtime.chassis.limits.token_buckets import Buckets, Kind, kind_of
from phoenix_runtime.chassis.schema import Rpc
from phoenix_runtime.chassis.settings import ServerSettings
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import QuotaExceeded

REFUSED: Final = Counter(
    "phoenix_dma_quota_refused_total", "Calls refused because their tenant asks too much", ["kind"]
)
SLOWED: Final = Counter(
    "phoenix_dma_quota_slowed_total", "Messages of streams that waited for their tenant's tokens"
)
HELD: Final = 100
"""Refusals of one tenant that are held back at the same time; more are answered at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaTerms:
    """The limits of one tenant at one process."""

    rates: Mapping[Kind, float] = field(default_factory=dict)
    """Calls a second of each kind; of BEAT, also messages on its streams. 0 counts nothing."""
    burst: float = 5.0
    """How many seconds' worth may come at once."""
    hold: float = 0.25
    """Seconds for which a refusal is held back, give or take a half: whoever does not wait by
    itself is slowed by it."""
    calls: int = 256
    """Concurrent calls while no other tenant is active."""
    shared_calls: int = 6
    """Concurrent calls beside other active tenants."""
    waiting: int = 1_000
    """Calls that may wait for a slot."""
    streams: int = 20_000
    """Open streams, and calls that wait for something to happen."""

    @classmethod
    def of(cls, settings: ServerSettings) -> "QuotaTerms":
        """The terms that a process is configured with."""
        return cls(
            rates={
                Kind.MUTATION: settings.quota_mutations,
                Kind.READ: settings.quota_reads,
                Kind.SEARCH: settings.quota_searches,
                Kind.BEAT: settings.quota_beats,
            },
            burst=settings.quota_burst.total_seconds(),
            calls=settings.quota_calls,
            shared_calls=settings.quota_shared_calls,
            streams=settings.quota_streams,
        )


class Quotas:
    """Every tenant's tokens, concurrent calls and streams at one process."""

    def __init__(self, terms: QuotaTerms, clock: Clock) -> None:
        self._terms = terms
        self._buckets = Buckets(terms.rates, burst=terms.burst, clock=clock)
        self._concurrency = ConcurrencyLimit(
            alone=terms.calls, shared=terms.shared_calls, waiting=terms.waiting, clock=clock
        )
        self._streams: Tally[str] = Tally()
        self._held: Tally[str] = Tally()

    @asynccontextmanager
    async def admitted(self, tenant: str, rpc: Rpc) -> AsyncIterator[None]:
        """Admit a call: takes a token, and a slot or a stream for as long as the call lasts.

        Raises `QuotaExceeded` with the limit, and the seconds after which to try again.
        """
        kind = kind_of(rpc)
        try:
            await self._spend(tenant, kind)
            if rpc.held_open:
                within = self._stream(tenant)
            else:
                await self._concurrency.acquire(tenant)
                within = self._slot(tenant)
        except QuotaExceeded:
            REFUSED.labels(kind).inc()
            raise
        with within:
            yield

    def pace(self, tenant: str) -> float:
        """Seconds for which the stream that brought a message is not read on."""
        delay = self._buckets.borrow(tenant, Kind.BEAT)
        if delay:
            SLOWED.inc()
        return delay

    async def _spend(self, tenant: str, kind: Kind) -> None:
        delay = self._buckets.take(tenant, kind)
        if delay:
            await self._hold(tenant)
            rate = self._terms.rates[kind]
            text = f"Your tenant asks for more than {rate:g} calls of the kind {kind} a second"
            raise QuotaExceeded(text, {"limit": f"{rate:g}/s", "kind": kind}, retry_after=delay)

    async def _hold(self, tenant: str) -> None:
        if self._held[tenant] < HELD:
            with _counted(self._held, tenant):
                # For a time of its own: those who were refused together do not come back together.
                await asyncio.sleep(self._terms.hold * random.uniform(0.5, 1.5))  # noqa: S311

    def _stream(self, tenant: str) -> AbstractContextManager[None]:
        most = self._terms.streams
        if self._streams[tenant] >= most:
            text = f"Your tenant has {most} streams open already; share them among participants"
            raise QuotaExceeded(text, {"limit": most})
        return _counted(self._streams, tenant)

    @contextmanager
    def _slot(self, tenant: str) -> Iterator[None]:
        try:
            yield
        finally:
            self._concurrency.release(tenant)


@contextmanager
def _counted(tally: Tally[str], tenant: str) -> Iterator[None]:
    """One more of the tenant's for the block; a tenant that has none is forgotten."""
    tally[tenant] += 1
    try:
        yield
    finally:
        tally[tenant] -= 1
        if not tally[tenant]:
            del tally[tenant]
