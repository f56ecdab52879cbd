"""WriteDeadlines: writes the deadlines of renewed leases behind, in a few round trips."""

from collections.abc import Sequence
from typing import Final

from registry_svc.domain.lease import LeaseTerms
from registry_svc.domain.lease_store import LeaseStore
from registry_svc.domain.session import LeaseKey, Session
from registry_svc.domain.stall_detector import StallDetector
from registry_svc.usecases.context import RegistryContext, chunks

WRITTEN_AT_ONCE: Final = 5000


class WriteDeadlines:
    """Writes the deadline of every session that was renewed since the last time."""

    def __init__(
        self,
        context: RegistryContext,
        leases: LeaseStore,
        stall_detector: StallDetector,
        terms: LeaseTerms,
    ) -> None:
        self._context = context
        self._leases = leases
        self._stall_detector = stall_detector
        self._terms = terms

    async def __call__(self) -> list[Session]:
        """Write; answers the renewed sessions. Raises `Unavailable`, having forgotten nothing."""
        now = self._context.clock.monotonic()
        self._stall_detector.check(now)
        await self._leases.report_alive(self._terms.replica_late_after)
        renewed = self._context.sessions.take_renewed()
        try:
            for chunk in chunks(renewed, WRITTEN_AT_ONCE):
                await self._leases.write(self._deadlines(chunk, now))
        except BaseException:
            self._context.sessions.return_renewed(renewed)
            raise
        self._stall_detector.deadlines_written(now)
        return renewed

    def _deadlines(self, renewed: Sequence[Session], now: float) -> dict[LeaseKey, float]:
        floor, ttl = self._stall_detector.silence_floor, self._terms.ttl
        return {
            session.lease: max(session.lease_from, floor) + ttl - now
            for session in renewed
            if session.leased
        }
