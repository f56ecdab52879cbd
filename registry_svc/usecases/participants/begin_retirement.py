"""BeginRetirement: the registry's side of Algorithm 6, after assignment has closed the gate.

Assignment asks again after a crash, and gets the same answer without another event.
"""

from typing import Final

from phoenix_runtime.core.principal import Call
from registry_svc.domain import participant_events
from registry_svc.domain.checks import Checks
from registry_svc.domain.participant_view import ParticipantChange
from registry_svc.domain.session import ParticipantKey
from registry_svc.usecases.context import RegistryContext, locked

MODES: Final = ("graceful", "immediate")


class BeginRetirement:
    """Marks participants as RETIRING. Raises `NotFound`, `FieldInvalid`, `IllegalTransition`."""

    def __init__(self, context: RegistryContext) -> None:
        self._context = context

    async def __call__(
        self, call: Call, participant_id: str, retirement_id: str, mode: str
    ) -> ParticipantChange:
        """Mark as RETIRING under ``retirement_id``; without a ``mode`` gracefully."""
        _check(retirement_id, mode)
        async with self._context.units(call) as unit:
            before = await locked(unit, participant_id)
            # Also where it has finished: assignment may have died before it noted that.
            if before.begun_retirement(retirement_id):
                return ParticipantChange(self._context.view(call.tenant, before), None)
            after = before.begin_retirement(retirement_id, at=self._context.clock.now())
            draft = participant_events.retiring(before, after, mode or MODES[0])
            receipt = await unit.audit(draft)
            await unit.save_participants([after])
        session = self._context.sessions.get(ParticipantKey(call.tenant, participant_id))
        if session is not None:
            self._context.sessions.set_status(session, after.status)
        return ParticipantChange(self._context.view(call.tenant, after), receipt)


def _check(retirement_id: str, mode: str) -> None:
    checks = Checks()
    checks.identifier("retirement_id", retirement_id)
    if mode and mode not in MODES:
        checks.refuse("mode", f"is one of {', '.join(MODES)}")
    checks.raise_any()
