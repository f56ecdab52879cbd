"""RegisterParticipant (Algorithm 1): identity over generations, claims in, grants out."""

from phoenix_runtime.core.errors import IllegalTransition, PolicyDenied, Unavailable
from phoenix_runtime.core.events import AuditDraft, AuditEventType, ReasonCode, denial_document
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.principal import Call, Role
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.standing import Liveness
from phoenix_runtime.core.verdict import DecisionPoint, Grants, Verdict
from registry_svc.domain.declaration import Declaration, claims_document, parse_declaration
from registry_svc.domain.documents import grants_document, identity_document
from registry_svc.domain.lifecycle import LIFECYCLE, OPERATOR, PARTICIPANT, arriving
from registry_svc.domain.participant import Participant, newcomer
from registry_svc.domain.ports import RegistryUnit
from registry_svc.domain.presence import LeaseKey
from registry_svc.domain.view import Changed
from registry_svc.usecases.parts import Parts


class RegisterParticipant:
    """Raises `FieldInvalid`, `NotPermitted`, `PolicyDenied`, `IllegalTransition`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, call: Call, raw: Declaration) -> Changed:
        """Register, or register again under the next generation."""
        declaration = parse_declaration(raw)
        await self._verify_identity(call, declaration)
        known = await self._parts.registry.get(call.tenant, declaration.id)
        await self._require_may_come(call, declaration, known)
        verdict = await self._decide(call, declaration, known)
        async with self._parts.units(call) as unit:
            before = await self._current(unit, declaration, known)
            changed = await self._enter(unit, call, declaration, before, verdict)
            await unit.remember(changed)
        self._expect(call, changed.view.participant)
        return changed

    async def _verify_identity(self, call: Call, declaration: Declaration) -> None:
        """Step 2: id, owner and type are the credential's. Operators may speak for others."""
        principal = call.principal
        if principal.has(Role.OPERATOR):
            return
        proved = (principal.participant, principal.owner, principal.participant_type)
        if proved != (declaration.id, declaration.owner, declaration.type):
            await self._parts.refuse(call, "participant.join", declaration.id)

    async def _require_may_come(
        self, call: Call, declaration: Declaration, known: Participant | None
    ) -> None:
        """A RETIRED id is never used again, whatever policy would say."""
        try:
            _step(call, declaration, known)
        except IllegalTransition as refused:
            await self._deny(call, declaration, known, detail={"explanation": refused.text})
            raise

    async def _decide(
        self, call: Call, declaration: Declaration, known: Participant | None
    ) -> Verdict:
        """Steps 3 and 4. No decision raises `PolicyEngineUnavailable`: nothing has changed yet."""
        question = {"claims": claims_document(declaration), "existing": _existing(known)}
        verdict = (await self._parts.policy.evaluate(call, DecisionPoint.JOIN, [question]))[0]
        if not verdict.allowed:
            await self._deny(call, declaration, known, verdict)
            raise PolicyDenied(verdict)
        return verdict

    async def _deny(
        self,
        call: Call,
        declaration: Declaration,
        known: Participant | None,
        verdict: Verdict | None = None,
        detail: dict[str, Json] | None = None,
    ) -> None:
        async with self._parts.units(call) as unit:
            await unit.audit(
                AuditDraft(
                    type=AuditEventType.JOIN_DENIED,
                    aggregate=f"join/{self._parts.new_id('join')}",
                    aggregate_version=1,
                    participant=declaration.id,
                    reason_code=ReasonCode.POLICY_DENIED,
                    previous_state=known.status.value if known is not None else "",
                    new_state=known.status.value if known is not None else "",
                    verdict=verdict,
                    detail=_denial(call, declaration, verdict) | (detail or {}),
                )
            )

    async def _current(
        self, unit: RegistryUnit, declaration: Declaration, known: Participant | None
    ) -> Participant | None:
        """The row as it stands now. Policy judged ``known``: whose it is must not have changed."""
        before = (await unit.lock([declaration.id])).get(declaration.id)
        if before is None:
            await unit.claim_id(declaration.id)
            before = (await unit.lock([declaration.id])).get(declaration.id)
        if _owner(before) != _owner(known):
            raise Unavailable("Somebody else registered this id at the same moment")
        return before

    async def _enter(
        self,
        unit: RegistryUnit,
        call: Call,
        declaration: Declaration,
        before: Participant | None,
        verdict: Verdict,
    ) -> Changed:
        """Steps 5 to 8: graph, registry, status and audit are one commit."""
        after = self._after(call, declaration, before, verdict.grants or Grants())
        receipt = await unit.audit(_registered(call, before, after, verdict))
        await unit.enter(after, receipt)
        return self._changed(call, after, receipt)

    def _after(
        self, call: Call, declaration: Declaration, before: Participant | None, grants: Grants
    ) -> Participant:
        verb, actor = _verb(declaration), _actor(call)
        now = self._parts.clock.now()
        if before is None:
            return newcomer(declaration, grants, verb=verb, actor=actor, at=now)
        return before.registered(declaration, grants, verb=verb, actor=actor, at=now)

    def _changed(self, call: Call, after: Participant, receipt: Receipt) -> Changed:
        return Changed(self._parts.view(call.tenant, after), receipt)

    def _expect(self, call: Call, after: Participant) -> None:
        """The lease is seeded now: who never beats fails like anybody else."""
        if after.liveness is Liveness.LEASED:
            lease = LeaseKey(call.tenant, after.id, after.generation)
            now = self._parts.clock.monotonic()
            self._parts.attendance.expect(lease, after.status, leased=True, now=now)


def _step(call: Call, declaration: Declaration, known: Participant | None) -> None:
    LIFECYCLE.apply(known.status if known else None, _verb(declaration), _actor(call))


def _verb(declaration: Declaration) -> str:
    return arriving("register", declaration.effective_liveness)


def _actor(call: Call) -> str:
    return OPERATOR if call.principal.has(Role.OPERATOR) else PARTICIPANT


def _owner(participant: Participant | None) -> str | None:
    return participant.declaration.owner if participant is not None else None


def _existing(known: Participant | None) -> Json:
    """What is known of the id already; null where it is new."""
    if known is None:
        return None
    return {
        "owner": known.declaration.owner,
        "type": known.declaration.type,
        "status": known.status.value,
        "generation": known.generation,
    }


def _registered(
    call: Call, before: Participant | None, after: Participant, verdict: Verdict
) -> AuditDraft:
    """Table 5: identity, owner, capabilities, policy decision; and claims beside grants."""
    return AuditDraft(
        type=AuditEventType.PARTICIPANT_REGISTERED,
        aggregate=after.aggregate,
        aggregate_version=after.version,
        participant=after.id,
        previous_state=before.status.value if before is not None else "",
        new_state=after.status.value,
        verdict=verdict,
        detail={
            "identity": identity_document(call, after.declaration.id),
            "owner": after.declaration.owner,
            "capabilities": sorted(after.grants.capabilities),
            "claims": claims_document(after.declaration),
            "grants": grants_document(after.grants),
            "generation": after.generation,
            "standing_revision": after.standing_revision,
            "liveness": after.liveness.value,
        },
    )


def _denial(call: Call, declaration: Declaration, verdict: Verdict | None) -> dict[str, Json]:
    detail: dict[str, Json] = {
        "identity": identity_document(call, declaration.id),
        "owner": declaration.owner,
        "claims": claims_document(declaration),
    }
    if verdict is not None:
        detail |= denial_document(verdict)
    return detail
