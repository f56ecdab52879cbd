"""SummariseHealth: writes an hourly event for each session, the evidence for runtime health."""

from typing import Final

from phoenix_runtime.core.events import ReasonCode
from registry_svc.domain.lifecycle import GONE
from registry_svc.domain.participant import Participant
from registry_svc.domain.session import Session
from registry_svc.usecases.context import RegistryContext
from registry_svc.usecases.leases.health_transitions import HealthTransitions

SUMMARY_SECONDS: Final = 3600.0


class SummariseHealth:
    """Summarises heartbeats every ``interval`` seconds; a change of health summarises them too."""

    def __init__(
        self,
        context: RegistryContext,
        transitions: HealthTransitions,
        *,
        interval: float = SUMMARY_SECONDS,
    ) -> None:
        self._context = context
        self._transitions = transitions
        self._interval = interval

    async def __call__(self) -> None:
        """Write the summaries that are due."""
        before = self._context.clock.monotonic() - self._interval
        sessions = self._context.sessions
        due = [one for one in sessions if one.leased and one.summary_from <= before]
        await self._transitions.apply(due, self._step)

    def _step(self, row: Participant, _: Session) -> tuple[Participant, ReasonCode] | None:
        return None if row.status in GONE else (row.count_event(), ReasonCode.SUMMARY)
