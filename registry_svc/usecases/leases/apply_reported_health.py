"""ApplyReportedHealth: commits the states that heartbeats ask for (beat_serving, beat_degraded)."""

import asyncio

from phoenix_runtime.core.events import ReasonCode
from registry_svc.domain.participant import Participant
from registry_svc.domain.session import Session
from registry_svc.usecases.context import RegistryContext
from registry_svc.usecases.leases.health_transitions import HealthTransitions


class ApplyReportedHealth:
    """Makes participants ACTIVE or DEGRADED as their last heartbeats report."""

    def __init__(self, context: RegistryContext, transitions: HealthTransitions) -> None:
        self._context = context
        self._transitions = transitions
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self) -> None:
        """Commit all transitions that are due; what could not be committed stays due."""
        async with self._one_at_a_time:
            due = self._context.sessions.take_transitions_due()
            try:
                await self._transitions.apply(due, self._step)
            except BaseException:
                still_due = [one for one in due if one.pending_verb is not None]
                self._context.sessions.return_transitions_due(still_due)
                raise

    def _step(self, row: Participant, session: Session) -> tuple[Participant, ReasonCode] | None:
        session.status = row.status
        after = row.report_health(session.state, at=self._context.clock.now())
        return None if after is None else (after, ReasonCode.HEALTH_REPORTED)
