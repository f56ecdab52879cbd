"""RegisterParticipant (Algorithm 1): identity over generations, claims in, grants out."""

from phoenix_runtime.core.errors import IllegalTransition, PolicyDenied, Unavailable
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.principal import Call, Role
from phoenix_runtime.core.standing import Liveness
from phoenix_runtime.core.verdict import DecisionPoint, Grants, Verdict
from registry_svc.domain import participant_events
from registry_svc.domain.declaration import Declaration, claims_document, parse_declaration
from registry_svc.domain.identity.events import borrowed
from registry_svc.domain.lifecycle import OPERATOR, PARTICIPANT
from registry_svc.domain.participant import Participant, register, registered_status
from registry_svc.domain.participant_view import ParticipantChange
from registry_svc.domain.ports import IdTaken, Unit
from registry_svc.usecases.context import RegistryContext


class RegisterParticipant:
    """Registers participants.

    Raises `FieldInvalid`, `NotPermitted`, `PolicyDenied`, `IllegalTransition`.
    """

    def __init__(self, context: RegistryContext) -> None:
        self._context = context

    async def __call__(self, call: Call, raw: Declaration) -> ParticipantChange:
        """Register, or register again under the next generation."""
        declaration = parse_declaration(raw)
        await self._verify_identity(call, declaration)
        try:
            changed = await self._decide_and_register(call, declaration)
        except IdTaken:
            # Its row is there now: policy judges the next generation.
            changed = await self._decide_and_register(call, declaration)
        after = changed.view.participant
        if after.liveness is Liveness.LEASED:
            # The lease starts now: who never sends a heartbeat fails like anybody else.
            self._context.open_session(call, after, leased=True)
        return changed

    async def _decide_and_register(self, call: Call, declaration: Declaration) -> ParticipantChange:
        """Steps 3 to 8; raises `IdTaken` where somebody else's registration is the id's first."""
        known = await self._context.find(call, declaration.id)
        await self._require_registrable(call, declaration, known)
        verdict = await self._decide(call, declaration, known)
        async with self._context.units(call) as unit:
            before = await self._current(unit, declaration, known)
            changed = await self._register(unit, call, (declaration, before), verdict)
            await unit.remember(changed)
        return changed

    async def _verify_identity(self, call: Call, declaration: Declaration) -> None:
        """Step 2: id, owner and type are the credential's. Operators may register for others."""
        principal = call.principal
        if principal.has(Role.OPERATOR):
            return
        proved = (principal.participant, principal.owner, principal.participant_type)
        if proved != (declaration.id, declaration.owner, declaration.type):
            await self._context.refuse(call, "participant.join", declaration.id)

    async def _require_registrable(
        self, call: Call, declaration: Declaration, known: Participant | None
    ) -> None:
        """Refuse what the lifecycle forbids whatever policy would say, such as a RETIRED id."""
        try:
            registered_status(known, declaration, _actor(call))
        except IllegalTransition as refused:
            await self._deny(call, declaration, known, refused.text)
            raise

    async def _decide(
        self, call: Call, declaration: Declaration, known: Participant | None
    ) -> Verdict:
        """Steps 3 and 4. No decision raises `PolicyEngineUnavailable`: nothing has changed yet."""
        question = {"claims": claims_document(declaration), "existing": _existing(known)}
        verdict = (await self._context.policy.evaluate(call, DecisionPoint.JOIN, [question]))[0]
        if not verdict.allowed:
            await self._deny(call, declaration, known, verdict)
            raise PolicyDenied(verdict)
        return verdict

    async def _deny(
        self,
        call: Call,
        declaration: Declaration,
        known: Participant | None,
        denial: Verdict | str,
    ) -> None:
        aggregate = f"join/{self._context.new_id('join')}"
        draft = participant_events.join_denied(call, aggregate, declaration, known, denial)
        async with self._context.units(call) as unit:
            await unit.audit_refusal(draft)

    async def _current(
        self, unit: Unit, declaration: Declaration, known: Participant | None
    ) -> Participant | None:
        """The row as it stands now. Policy judged ``known``: its owner must not have changed."""
        if known is None:
            return None
        before = (await unit.lock_participants([declaration.id])).get(declaration.id)
        if _owner(before) != _owner(known):
            raise Unavailable("Somebody else registered this id at the same moment")
        return before

    async def _register(
        self,
        unit: Unit,
        call: Call,
        step: tuple[Declaration, Participant | None],
        verdict: Verdict,
    ) -> ParticipantChange:
        """Steps 5 to 8: graph, registry, status and audit are one commit."""
        declaration, before = step
        grants, at = verdict.grants or Grants(), self._context.clock.now()
        after = register(before, declaration, grants, actor=_actor(call), at=at)
        after = after.holding(_held(call, declaration))
        receipt = await unit.audit(participant_events.registered(call, before, after, verdict))
        await (unit.add_participant(after) if before is None else unit.save_claims(after))
        await unit.add_generation(after, receipt)
        warnings = borrowed(call.principal)
        return ParticipantChange(self._context.view(call.tenant, after), receipt, warnings)


def _held(call: Call, declaration: Declaration) -> str:
    """The enrolment that the participant holds; of one that an operator registers none is known."""
    own = call.principal.participant == declaration.id
    return call.principal.descent.credential if own else ""


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
