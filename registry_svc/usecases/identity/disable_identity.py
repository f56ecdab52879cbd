"""DisableIdentity: an identity gets no credential any more, and no longer takes part."""

from phoenix_runtime.core.errors import NotFound, NotPermitted
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt
from registry_svc.domain import participant_events
from registry_svc.domain.identity.orders import require_may_enrol, require_somebody_else
from registry_svc.domain.lifecycle import LIFECYCLE, OPERATOR, suspension_verb
from registry_svc.domain.participant import Participant
from registry_svc.domain.ports import Unit
from registry_svc.domain.session import LeaseKey, LeaseLostReason
from registry_svc.usecases.context import RegistryContext, require_identifiers, require_reason
from registry_svc.usecases.identity.create_enrolment import (
    Disabling,
    EnrolmentChange,
    disable_all,
)
from registry_svc.usecases.present_caller import present_operator

TEXT = "Its identity was disabled."


class DisableIdentity:
    """Disables identities; a registered participant is suspended in the same transaction.

    A credential that is out already lives for at most 15 minutes; a suspended participant's does
    nothing meanwhile, and a decision of a suspended person counts for nothing when it is used.
    Raises `FieldInvalid`, `NotFound`, and `NotPermitted`, audited, for one's own identity, and by
    who is no operator any more.
    """

    def __init__(self, context: RegistryContext) -> None:
        self._context = context

    async def __call__(self, call: Call, identity: str, why: str) -> EnrolmentChange:
        """Disable; nothing where it is disabled already."""
        require_identifiers("identity", identity)
        require_reason(why)
        await self._require_permitted(call, identity)
        disabling = Disabling(why, ReasonCode.REQUESTED, self._context.clock.now())
        async with self._context.units(call) as unit:
            known = await unit.lock_enrolments_of(identity)
            if not known:
                raise NotFound("identity", identity)
            receipt = await disable_all(unit, known, disabling)
            suspended, later = await self._suspend(unit, call, identity, why)
            records = await unit.enrolments_of(identity)
            result = EnrolmentChange(tuple(records), later or receipt)
            await unit.remember(result)
        if suspended is not None:
            lease = LeaseKey(call.tenant, identity, suspended.generation)
            self._context.sessions.end_session(lease, LeaseLostReason.SUSPENDED, TEXT)
        return result

    async def _require_permitted(self, call: Call, identity: str) -> None:
        try:
            require_somebody_else(call.principal, identity)
            require_may_enrol(await present_operator(self._context, call))
        except NotPermitted as refused:
            await self._context.access.refused(call, "identity.disable", refused.facts)
            raise

    async def _suspend(
        self, unit: Unit, call: Call, identity: str, why: str
    ) -> tuple[Participant | None, Receipt | None]:
        """The participant of that id, suspended now; None where there is none to suspend."""
        before = (await unit.lock_participants([identity])).get(identity)
        if before is None or not LIFECYCLE.can(before.status, suspension_verb(before.status)):
            return None, None
        after = before.suspend(actor=OPERATOR, at=self._context.clock.now())
        text = why or TEXT
        draft = participant_events.suspended_by_operator(call, before, after, text)
        receipt = await unit.audit(draft)
        await unit.save_participants([after])
        return after, receipt
