"""Decline: the target of an offer does not want it; the next candidate is asked."""

from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.states import Actor, HandoffStatus
from assignment_svc.domain.texts import checked_text
from assignment_svc.usecases.handoff.initiate_handoff import HandoffResult
from assignment_svc.usecases.handoff.offering import OfferEnding, withdraw_offer
from assignment_svc.usecases.steps.existing import existing_handoff
from assignment_svc.usecases.steps.permissions import acting_participant, refusals_audited
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import TaskTransaction
from phoenix_runtime.core.errors import NotPermitted, OfferLapsed
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.principal import Call


class DeclineHandoff:
    """Refuses an offer."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(
        self, call: Call, *, handoff_id: str, offer_id: str, why: str
    ) -> HandoffResult:
        """Decline ``offer_id``; raises `NotFound`, `NotPermitted`, `OfferLapsed`."""
        checked_text("reason", why)
        async with refusals_audited(self._ports, call, "DeclineHandoff"):
            result = await self._decline(call, handoff_id, offer_id, why)
        self._ports.due_work.notify()
        return result

    async def _decline(self, call: Call, handoff_id: str, offer_id: str, why: str) -> HandoffResult:
        target = acting_participant(call)
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            found = await existing_handoff(transaction.unit, handoff_id)
            task = await unit.lock_task(found.task_id)
            handoff = await existing_handoff(transaction.unit, handoff_id)
            offered_to(handoff, offer_id, target)
            await transaction.lock_gates([target])
            ending = OfferEnding(
                "decline", Actor.TARGET, ReasonCode.DECLINED, why or "it declined", "declined"
            )
            handoff, receipt = await withdraw_offer(transaction, task, handoff, ending)
            await transaction.finish()
            result = HandoffResult(handoff, receipt)
            await unit.remember(result)
        return result


def offered_to(handoff: Handoff, offer_id: str, target: str) -> None:
    """Raise unless exactly this offer stands, and to this target; the row decides, no clock."""
    offer = handoff.offer
    if handoff.status is not HandoffStatus.OFFERED or offer is None or offer.offer_id != offer_id:
        raise OfferLapsed(offer_id)
    if offer.target != target:
        raise NotPermitted("The offer is somebody else's", {"offer_id": offer_id})
