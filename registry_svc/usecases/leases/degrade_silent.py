"""DegradeSilent: makes ACTIVE participants DEGRADED that missed a heartbeat (miss)."""

from phoenix_runtime.core.events import ReasonCode
from registry_svc.domain.lease import LeaseTerms
from registry_svc.domain.participant import Participant
from registry_svc.domain.session import Session
from registry_svc.usecases.context import RegistryContext
from registry_svc.usecases.leases.health_transitions import HealthTransitions
from registry_svc.usecases.leases.silent_sessions import SilentSessions


class DegradeSilent:
    """Commits DEGRADED for every participant that has been silent at all replicas."""

    def __init__(
        self,
        context: RegistryContext,
        transitions: HealthTransitions,
        silent: SilentSessions,
        terms: LeaseTerms,
    ) -> None:
        self._context = context
        self._transitions = transitions
        self._silent = silent
        self._terms = terms

    async def __call__(self) -> None:
        """Look once. Raises `Unavailable`."""
        await self._transitions.apply(await self._silent(), self._step)

    def _step(self, row: Participant, session: Session) -> tuple[Participant, ReasonCode] | None:
        # A heartbeat may have come while the row's lock was waited for.
        silence = self._context.clock.monotonic() - session.lease_from
        if silence <= self._terms.missed_after:
            return None
        after = row.miss_heartbeat(at=self._context.clock.now())
        return None if after is None else (after, ReasonCode.HEARTBEAT_MISSED)
