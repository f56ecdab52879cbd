"""SeedLeases: sets every deadline anew from PostgreSQL, to now + TTL."""

from phoenix_runtime.core.clock import Clock
from registry_svc.domain.lease import LeaseTerms
from registry_svc.domain.lease_store import LeaseStore
from registry_svc.domain.ports import LeaseHolders
from registry_svc.domain.stall_detector import StallDetector
from registry_svc.usecases.context import chunks
from registry_svc.usecases.leases.write_deadlines import WRITTEN_AT_ONCE


class SeedLeases:
    """Grants every lease holder one more TTL: a grace, never a failure."""

    def __init__(
        self,
        clock: Clock,
        leases: LeaseStore,
        holders: LeaseHolders,
        stall_detector: StallDetector,
        terms: LeaseTerms,
    ) -> None:
        self._clock = clock
        self._leases = leases
        self._holders = holders
        self._stall_detector = stall_detector
        self._terms = terms

    async def __call__(self) -> None:
        """Seed. Raises `Unavailable`; nobody expires before it has succeeded."""
        asked = self._clock.monotonic()
        holders = await self._holders.lease_holders()
        for chunk in chunks(holders, WRITTEN_AT_ONCE):
            await self._leases.write(dict.fromkeys(chunk, self._terms.ttl))
        await self._leases.mark_seeded()
        self._stall_detector.deadlines_written(asked)
        self._stall_detector.seeded(asked)
