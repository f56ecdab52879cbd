"""UpdateCapabilities: replaces the claims, and the grants by what policy grants of them."""

from phoenix_runtime.core.errors import NotFound, PolicyDenied, Unavailable
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint, Grants, Verdict
from registry_svc.domain import participant_events
from registry_svc.domain.declaration import Claims, Declaration, claims_document, with_claims
from registry_svc.domain.documents import participant_document
from registry_svc.domain.participant import Participant
from registry_svc.domain.participant_view import ParticipantChange
from registry_svc.usecases.context import RegistryContext, locked, require_identifiers


class UpdateCapabilities:
    """Replaces the claims of a participant.

    Raises `FieldInvalid`, `NotFound`, `NotPermitted`, `EtagMismatch`, `PolicyDenied`.
    """

    def __init__(self, context: RegistryContext) -> None:
        self._context = context

    async def __call__(
        self, call: Call, participant_id: str, claims: Claims, etag: str = ""
    ) -> ParticipantChange:
        """Replace the claims; the answer carries the new grants."""
        require_identifiers("participant_id", participant_id)
        await self._context.require_self_or_operator(call, participant_id, "capability.update")
        known = await self._context.find(call, participant_id)
        if known is None:
            raise NotFound("participant", participant_id)
        declaration = with_claims(known.declaration, claims)
        known.require_changeable(etag)
        verdict = await self._decide(call, known, declaration)
        async with self._context.units(call) as unit:
            before = await locked(unit, participant_id)
            before.require_changeable(etag)
            if before.declaration != known.declaration:
                raise Unavailable("The claims were changed while policy was asked")
            now = self._context.clock.now()
            after = before.change_grants(declaration, verdict.grants or Grants(), at=now)
            draft = participant_events.capabilities_updated(before, after, verdict)
            receipt = await unit.audit(draft)
            await unit.save_claims(after)
            changed = ParticipantChange(self._context.view(call.tenant, after), receipt)
            await unit.remember(changed)
        return changed

    async def _decide(self, call: Call, known: Participant, declaration: Declaration) -> Verdict:
        question = {
            "participant": participant_document(known),
            "claims": claims_document(declaration),
        }
        point = DecisionPoint.UPDATE_CAPABILITIES
        verdict = (await self._context.policy.evaluate(call, point, [question]))[0]
        if not verdict.allowed:
            aggregate = f"refusal/{self._context.new_id('refusal')}"
            async with self._context.units(call) as unit:
                await unit.audit_refusal(
                    participant_events.update_denied(aggregate, known, declaration, verdict)
                )
            raise PolicyDenied(verdict)
        return verdict
