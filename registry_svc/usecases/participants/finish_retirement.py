"""FinishRetirement: the end of Algorithm 6, when nothing is bound or on offer any more.

Assignment asks again after a crash, and gets the same answer without another event.
"""

from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.principal import Call
from registry_svc.domain import participant_events
from registry_svc.domain.participant_view import ParticipantChange
from registry_svc.domain.session import LeaseKey
from registry_svc.domain.session_rules import ENDED
from registry_svc.usecases.context import RegistryContext, locked, require_identifiers


class FinishRetirement:
    """Marks participants as RETIRED. Raises `NotFound`, `FieldInvalid`, `IllegalTransition`."""

    def __init__(self, context: RegistryContext) -> None:
        self._context = context

    async def __call__(
        self, call: Call, participant_id: str, retirement_id: str, record: JsonObject
    ) -> ParticipantChange:
        """Mark as RETIRED for ever; ``record`` has mode, active tasks, the outcome of each."""
        require_identifiers("retirement_id", retirement_id)
        async with self._context.units(call) as unit:
            before = await locked(unit, participant_id)
            if before.finished_retirement(retirement_id):
                return ParticipantChange(self._context.view(call.tenant, before), None)
            after = before.finish_retirement(retirement_id, at=self._context.clock.now())
            receipt = await unit.audit(participant_events.retired(before, after, record))
            await unit.save_participants([after])
        lease = LeaseKey(call.tenant, participant_id, after.generation)
        self._context.sessions.end_session(lease, *ENDED[after.status])
        return ParticipantChange(self._context.view(call.tenant, after), receipt)
