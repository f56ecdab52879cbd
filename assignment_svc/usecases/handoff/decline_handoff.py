"""Declines an offer: its target does not want the task, and the next candidate is asked."""

from assignment_svc.domain.predicates import offered_to
from assignment_svc.usecases.handoff.offering import StandingOffer, declined, end_offer
from assignment_svc.usecases.handoff.results import HandoffResult
from assignment_svc.usecases.steps.existing import existing_handoff
from assignment_svc.usecases.steps.permissions import acting_participant, refusals_audited
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import TaskTransaction
from phoenix_runtime.core.principal import Call


class DeclineHandoff:
    """Declines an offer on behalf of its target."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(
        self, call: Call, *, handoff_id: str, offer_id: str, why: str
    ) -> HandoffResult:
        """Decline ``offer_id``; raises `NotFound`, `NotPermitted` and `OfferLapsed`."""
        async with refusals_audited(self._ports, call, "DeclineHandoff"):
            return await self._decline(call, handoff_id, offer_id, why)

    async def _decline(self, call: Call, handoff_id: str, offer_id: str, why: str) -> HandoffResult:
        target = acting_participant(call)
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task((await existing_handoff(unit, handoff_id)).task_id)
            # Read again under the task's lock.
            handoff = await existing_handoff(unit, handoff_id)
            standing = StandingOffer(task, handoff, offered_to(handoff, offer_id, target))
            await transaction.lock_gates([target])
            _, handoff, receipt = await end_offer(transaction, standing, declined(why))
            await transaction.finish()
            result = HandoffResult(handoff, receipt)
            await unit.remember(result)
        return result
