"""SilentSessions: finds sessions that missed a heartbeat at every replica."""

from registry_svc.domain.lease import LeaseTerms
from registry_svc.domain.lease_store import LeaseStore
from registry_svc.domain.session import Session
from registry_svc.domain.stall_detector import StallDetector
from registry_svc.usecases.context import RegistryContext


class SilentSessions:
    """Compares the silence here with the deadlines that other replicas may have written."""

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
        """The ACTIVE sessions that have missed a heartbeat. Raises `Unavailable`.

        A silence during a stall of this replica counts against nobody. A deadline later than ours
        would be means that another replica received a heartbeat; a session without a stream here
        is forgotten then. Our own deadline may be later too, by as much as it was written behind.
        """
        sessions = self._context.sessions
        before = self._context.clock.monotonic() - self._terms.missed_after
        if self._stall_detector.silence_floor >= before:
            return []
        silent = sessions.overdue(before)
        remaining = await self._leases.remaining([one.lease for one in silent]) if silent else {}
        now = self._context.clock.monotonic()
        missing = []
        for session in silent:
            left = remaining.get(session.lease, 0.0)
            last_beat = min(now, now + left - self._terms.ttl)
            if last_beat > session.lease_from + self._terms.margin:
                sessions.renewed_elsewhere(session, last_beat)
            if last_beat < before:
                missing.append(session)
        return missing
