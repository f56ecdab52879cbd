"""SuspendParticipant: an operator excludes a participant until it is reinstated."""

from phoenix_runtime.core.principal import Call
from registry_svc.domain import participant_events
from registry_svc.domain.lifecycle import OPERATOR
from registry_svc.domain.participant_view import ParticipantChange
from registry_svc.domain.session import LeaseKey, LeaseLostReason
from registry_svc.usecases.context import RegistryContext, locked, require_reason
from registry_svc.usecases.present_caller import require_operator

TRIED = "participant.suspend"


class SuspendParticipant:
    """Suspends participants.

    Raises `NotFound`, `FieldInvalid`, `IllegalTransition`, and `NotPermitted`, audited, by who is
    no operator any more.
    """

    def __init__(self, context: RegistryContext) -> None:
        self._context = context

    async def __call__(self, call: Call, participant_id: str, why: str) -> ParticipantChange:
        """Suspend: the gate closes, the session ends, the tasks move."""
        require_reason(why)
        await require_operator(self._context, call, TRIED, participant_id)
        async with self._context.units(call) as unit:
            before = await locked(unit, participant_id)
            after = before.suspend(actor=OPERATOR, at=self._context.clock.now())
            draft = participant_events.suspended_by_operator(call, before, after, why)
            receipt = await unit.audit(draft)
            await unit.save_participants([after])
            changed = ParticipantChange(self._context.view(call.tenant, after), receipt)
            await unit.remember(changed)
        lease = LeaseKey(call.tenant, participant_id, after.generation)
        text = "An operator suspended it."
        self._context.sessions.end_session(lease, LeaseLostReason.SUSPENDED, text)
        return changed
