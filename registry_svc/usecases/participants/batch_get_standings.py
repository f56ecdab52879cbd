"""BatchGetStandings: the standings that assignment's gates reflect."""

from collections.abc import Sequence
from typing import Final

from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.standing import Standing
from registry_svc.domain.checks import Checks
from registry_svc.domain.session import ParticipantKey
from registry_svc.usecases.context import RegistryContext, require_identifiers

MAX_STANDINGS: Final = 500


class BatchGetStandings:
    """Reads standings, many at once. Raises `FieldInvalid` for too many ids."""

    def __init__(self, context: RegistryContext) -> None:
        self._context = context

    async def __call__(self, call: Call, participant_ids: Sequence[str]) -> tuple[Standing, ...]:
        """The standings of the known participants, with their newest known health."""
        if len(participant_ids) > MAX_STANDINGS:
            checks = Checks()
            checks.refuse("participant_ids", f"names more than {MAX_STANDINGS}")
            checks.raise_any()
        require_identifiers("participant_ids", *participant_ids)
        async with self._context.units.reading(call) as unit:
            found = await unit.find_participants(participant_ids)
        health = self._context.sessions.health
        return tuple(one.standing(health(ParticipantKey(call.tenant, one.id))) for one in found)
