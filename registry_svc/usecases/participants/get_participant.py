"""GetParticipant: one participant with its newest known health."""

from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.principal import Call
from registry_svc.domain.participant_view import ParticipantView
from registry_svc.usecases.context import RegistryContext, require_identifiers


class GetParticipant:
    """Reads one participant. Raises `NotFound`, also for a participant of another tenant."""

    def __init__(self, context: RegistryContext) -> None:
        self._context = context

    async def __call__(self, call: Call, participant_id: str) -> ParticipantView:
        """Read one participant."""
        require_identifiers("participant_id", participant_id)
        found = await self._context.find(call, participant_id)
        if found is None:
            raise NotFound("participant", participant_id)
        return self._context.view(call.tenant, found)
