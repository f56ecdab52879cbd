"""UpdateCapabilities: other claims, and what policy grants of them from now on."""

from phoenix_runtime.core.errors import (
    EtagMismatch,
    IllegalTransition,
    NotFound,
    PolicyDenied,
    Unavailable,
)
from phoenix_runtime.core.events import AuditDraft, AuditEventType, ReasonCode, denial_document
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import DecisionPoint, Grants, Verdict
from registry_svc.domain.declaration import Claims, Declaration, claims_document, with_claims
from registry_svc.domain.documents import grants_document, participant_document
from registry_svc.domain.lifecycle import LIFECYCLE, RETIRED, RETIRING, SUSPENDED
from registry_svc.domain.participant import Participant
from registry_svc.domain.view import Changed
from registry_svc.usecases.parts import Parts, locked, require_identifiers

CHANGEABLE_NO_MORE = frozenset({SUSPENDED, RETIRING, RETIRED})


class UpdateCapabilities:
    """Raises `FieldInvalid`, `NotFound`, `NotPermitted`, `EtagMismatch`, `PolicyDenied`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(
        self, call: Call, participant_id: str, claims: Claims, etag: str = ""
    ) -> Changed:
        """Replace the claims; the answer carries the new grants."""
        require_identifiers("participant_id", participant_id)
        await self._parts.require_self_or_operator(call, participant_id, "capability.update")
        known = await self._parts.registry.get(call.tenant, participant_id)
        if known is None:
            raise NotFound("participant", participant_id)
        declaration = with_claims(known.declaration, claims)
        _require_changeable(known, etag)
        verdict = await self._decide(call, known, declaration)
        async with self._parts.units(call) as unit:
            before = await locked(unit, participant_id)
            _require_changeable(before, etag)
            if before.declaration != known.declaration:
                raise Unavailable("The claims were changed while policy was asked")
            now = self._parts.clock.now()
            after = before.granted(declaration, verdict.grants or Grants(), at=now)
            receipt = await unit.audit(updated_draft(before, after, verdict))
            await unit.rewrite(after)
            changed = Changed(self._parts.view(call.tenant, after), receipt)
            await unit.remember(changed)
        return changed

    async def _decide(self, call: Call, known: Participant, declaration: Declaration) -> Verdict:
        question = {
            "participant": participant_document(known),
            "claims": claims_document(declaration),
        }
        point = DecisionPoint.UPDATE_CAPABILITIES
        verdict = (await self._parts.policy.evaluate(call, point, [question]))[0]
        if not verdict.allowed:
            await self._deny(call, known, declaration, verdict)
            raise PolicyDenied(verdict)
        return verdict

    async def _deny(
        self, call: Call, known: Participant, declaration: Declaration, verdict: Verdict
    ) -> None:
        async with self._parts.units(call) as unit:
            await unit.audit(
                AuditDraft(
                    type=AuditEventType.POLICY_DENIED,
                    aggregate=f"refusal/{self._parts.new_id('refusal')}",
                    aggregate_version=1,
                    participant=known.id,
                    reason_code=ReasonCode.POLICY_DENIED,
                    previous_state=known.status.value,
                    new_state=known.status.value,
                    verdict=verdict,
                    detail={"claims": claims_document(declaration)} | denial_document(verdict),
                )
            )


def _require_changeable(participant: Participant, etag: str) -> None:
    if etag and etag != participant.etag:
        raise EtagMismatch(participant.etag)
    if participant.status in CHANGEABLE_NO_MORE:
        raise IllegalTransition(
            kind="participant",
            source=participant.status.value,
            verb="update_capabilities",
            allowed=LIFECYCLE.allowed(participant.status),
        )


def updated_draft(before: Participant, after: Participant, verdict: Verdict) -> AuditDraft:
    """Table 5: old capability set, new capability set, approving policy."""
    return AuditDraft(
        type=AuditEventType.CAPABILITIES_UPDATED,
        aggregate=after.aggregate,
        aggregate_version=after.version,
        participant=after.id,
        previous_state=before.status.value,
        new_state=after.status.value,
        verdict=verdict,
        detail={
            "old": grants_document(before.grants),
            "new": grants_document(after.grants),
            "old_capabilities": sorted(before.grants.capabilities),
            "new_capabilities": sorted(after.grants.capabilities),
            "approving_policy": verdict.policy,
            "claims": claims_document(after.declaration),
            "standing_revision": after.standing_revision,
        },
    )
