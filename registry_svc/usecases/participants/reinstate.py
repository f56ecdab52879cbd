"""ReinstateParticipant: an operator lifts a suspension."""

from typing import NoReturn

from phoenix_runtime.core.errors import NotPermitted
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.principal import Call
from registry_svc.domain import participant_events
from registry_svc.domain.participant import Participant
from registry_svc.domain.participant_view import ParticipantChange
from registry_svc.domain.reinstatement import another_name_because, own_because
from registry_svc.usecases.context import (
    RegistryContext,
    locked,
    require_identifiers,
    require_reason,
)
from registry_svc.usecases.present_caller import require_operator

TRIED = "participant.reinstate"


class ReinstateParticipant:
    """Lifts suspensions; never one's own, that of what one owns, or of who or whose owner enrolled.

    Raises `NotFound`, `FieldInvalid`, `IllegalTransition`, and `NotPermitted`, audited.
    """

    def __init__(self, context: RegistryContext) -> None:
        self._context = context

    async def __call__(self, call: Call, participant_id: str, why: str) -> ParticipantChange:
        """Lift a suspension; a leased participant becomes ACTIVE with its next heartbeat."""
        require_reason(why)
        await self._require_permitted(call, participant_id)
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

    async def _require_permitted(self, call: Call, participant_id: str) -> None:
        """Raise where the caller is the suspended one by another name, or no operator any more."""
        require_identifiers("participant_id", participant_id)
        async with self._context.units.reading(call) as unit:
            known = await unit.find_participant(participant_id)
            owner = await unit.find_participant(known.declaration.owner) if known else None
        if known and (named := own_because(known, call.principal)):
            await self._refuse(call, known, named, ReasonCode.CREDENTIAL_MISUSED)
        if known and (shared := another_name_because(known, owner, call.principal)):
            await self._refuse(call, known, shared, ReasonCode.SAME_DESCENT)
        await require_operator(self._context, call, TRIED, participant_id)

    async def _refuse(
        self, call: Call, known: Participant, because: str, reason: ReasonCode
    ) -> NoReturn:
        """Audit that somebody tried to reinstate their own, and raise `NotPermitted`."""
        facts = {"participant_id": known.id, "owner": known.declaration.owner}
        await self._context.access.refused(call, TRIED, {**facts, "because": because}, reason)
        raise NotPermitted(
            because,
            facts,
            remedy=f"Have another operator look at it, whom neither {known.id} nor its owner "
            f"{known.declaration.owner} has enrolled.",
        )
