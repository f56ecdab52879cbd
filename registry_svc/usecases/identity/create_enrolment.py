"""CreateEnrolment: records an enrolment for one identity and nothing more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from phoenix_runtime.core.errors import NotPermitted
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt
from registry_svc.domain.identity import events as identity_events
from registry_svc.domain.identity.enrolment import EnrolmentRequest, require_enrollable
from registry_svc.domain.identity.orders import (
    RawOrder,
    parse_order,
    require_may_enrol,
    require_may_give,
)
from registry_svc.domain.identity.records import DISABLED, PREFIX, Enrolment, EnrolmentOrder, made
from registry_svc.domain.ports import Unit
from registry_svc.usecases.context import RegistryContext
from registry_svc.usecases.present_caller import present_operator

AGAIN = "enrolled again"


@dataclass(frozen=True, slots=True)
class EnrolmentChange:
    """Records after a change, and the receipt of the last one; None where nothing changed."""

    records: tuple[Enrolment, ...]
    receipt: Receipt | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Disabling:
    """Why enrolments are disabled, and when."""

    why: str
    reason: ReasonCode
    at: datetime


class CreateEnrolment:
    """Records enrolments; a new one for an identity disables those that it had.

    Raises `FieldInvalid`, and `NotPermitted`, audited: by a participant that is no person, by who
    is no operator any more, for roles that the caller lacks, for an id that is registered
    otherwise, suspended or retired.
    """

    def __init__(self, context: RegistryContext) -> None:
        self._context = context

    async def __call__(self, call: Call, raw: RawOrder) -> EnrolmentChange:
        """Record one enrolment."""
        order = parse_order(raw)
        try:
            await self._require_permitted(call, order)
        except NotPermitted as refused:
            await self._context.access.refused(call, "identity.create_enrolment", refused.facts)
            raise
        at, enrolment_id = self._context.clock.now(), self._context.new_id(PREFIX)
        record = made(order, call.principal, enrolment_id=enrolment_id, at=at)
        async with self._context.units(call) as unit:
            if order.identity:
                await unit.lock_new_identity(order.identity)
                known = await unit.lock_enrolments_of(order.identity)
                await disable_all(unit, known, Disabling(AGAIN, ReasonCode.SUPERSEDED, at))
            receipt = await unit.audit(identity_events.enrolled(record))
            await unit.save_enrolment(record)
            warnings = identity_events.warnings_about(record)
            change = EnrolmentChange((record,), receipt, warnings)
            await unit.remember(change)
        return change

    async def _require_permitted(self, call: Call, order: EnrolmentOrder) -> None:
        by = await present_operator(self._context, call)
        require_may_enrol(by)
        require_may_give(by, order.kind, order.roles)
        if not order.identity:
            return
        async with self._context.units.reading(call) as unit:
            others = await unit.enrolments_of(order.identity)
            known = await unit.find_participant(order.identity)
        kinds = {one.kind for one in others} - {order.kind}
        if kinds or (known is not None and not order.participant_type):
            raise NotPermitted(
                f"{order.identity} is somebody of another kind already",
                {"identity": order.identity, "kind": order.kind.value},
                remedy="Choose another id; `phoenix-dma user list` says who is enrolled as what.",
            )
        wanted = EnrolmentRequest(
            participant_id=order.identity,
            owner=order.owner,
            participant_type=order.participant_type,
        )
        require_enrollable(known, wanted)


async def disable_all(
    unit: Unit, records: Sequence[Enrolment], disabling: Disabling
) -> Receipt | None:
    """Disable locked records, each with its event; the receipt of the last one, None for none."""
    receipt = None
    for before in records:
        if before.status is DISABLED:
            continue
        after = before.disabled(disabling.at)
        draft = identity_events.disabled(before, after, disabling.why, disabling.reason)
        receipt = await unit.audit(draft)
        await unit.save_enrolment(after)
    return receipt
