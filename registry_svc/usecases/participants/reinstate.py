"""ReinstateParticipant: an operator lifts a suspension."""

from phoenix_runtime.core.principal import Call
from registry_svc.domain import participant_events
from registry_svc.domain.participant_view import ParticipantChange
from registry_svc.usecases.context import RegistryContext, locked, require_reason


class ReinstateParticipant:
    """Lifts suspensions. Raises `NotFound`, `FieldInvalid`, `IllegalTransition`."""

    def __init__(self, context: RegistryContext) -> None:
        self._context = context

    async def __call__(self, call: Call, participant_id: str, why: str) -> ParticipantChange:
        """Lift a suspension; a leased participant becomes ACTIVE with its next heartbeat."""
        require_reason(why)
        async with self._context.units(call) as unit:
            before = await locked(unit, participant_id)
            after = before.reinstate(at=self._context.clock.now())
            receipt = await unit.audit(participant_events.reinstated(call, before, after, why))
            await unit.save_participants([after])
            changed = ParticipantChange(self._context.view(call.tenant, after), receipt)
            await unit.remember(changed)
        if after.holds_lease:
            # A new lease starts: who does not come back fails like anybody else.
            self._context.open_session(call, after, leased=True)
        return changed
