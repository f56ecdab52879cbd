"""Completes a handoff: the target proves what it received and takes over in one commit (I5)."""

from dataclasses import dataclass

from assignment_svc.domain.approval import Approval
from assignment_svc.domain.gate import Gate
from assignment_svc.domain.handoff import Acceptance, Handoff, Offer
from assignment_svc.domain.predicates import StaleRead, offered_to
from assignment_svc.domain.states import HandoffStatus
from assignment_svc.domain.task import Task
from assignment_svc.usecases.handoff.evaluate_target import (
    EvaluateTarget,
    TargetCandidate,
    TargetEvaluation,
)
from assignment_svc.usecases.handoff.offering import (
    GATE_CLOSED,
    StandingOffer,
    denied_meanwhile,
    end_offer,
    rebind,
)
from assignment_svc.usecases.steps.briefing import Briefing, briefing_of
from assignment_svc.usecases.steps.documents import denial_detail
from assignment_svc.usecases.steps.existing import existing_handoff, existing_task
from assignment_svc.usecases.steps.migration import handed_over
from assignment_svc.usecases.steps.permissions import acting_participant, refusals_audited
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.rounds import in_rounds
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.errors import (
    ContextHashMismatch,
    FieldInvalid,
    NotFound,
    OfferLapsed,
    PolicyDenied,
    StaleAssignment,
    Violation,
)
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.standing import Standing
from phoenix_runtime.core.verdict import Effect


@dataclass(frozen=True, slots=True)
class HandoffCompletion:
    """What the target answers to its offer."""

    handoff_id: str
    offer_id: str
    acceptance: Acceptance


@dataclass(frozen=True, slots=True)
class TakenOver:
    """The completed handoff and what its new owner works on."""

    handoff: Handoff
    briefing: Briefing
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class PendingHandoff:
    """A handoff as it was read, with its task and what humans were asked about that."""

    task: Task
    handoff: Handoff
    approvals: tuple[Approval, ...]


class CompleteHandoff:
    """Verifies the acceptance and rebinds; the same answer again answers the same."""

    def __init__(self, ports: Ports, evaluate: EvaluateTarget) -> None:
        self._ports = ports
        self._evaluate = evaluate

    async def __call__(self, call: Call, completion: HandoffCompletion) -> TakenOver:
        """Take over.

        Raises `NotFound`, `NotPermitted`, `OfferLapsed`, `ContextHashMismatch`, `FieldInvalid`
        (obligations that are not accepted), `PolicyDenied`, `PolicyEngineUnavailable`, and
        `StaleAssignment` for a repetition once the task has moved on.
        """
        async with refusals_audited(self._ports, call, "CompleteHandoff"):
            target = acting_participant(call)
            return await in_rounds(
                self._ports.rules.rounds, lambda: self._try(call, completion, target)
            )

    async def _try(self, call: Call, completion: HandoffCompletion, target: str) -> TakenOver:
        pending = await self._read(call, completion.handoff_id)
        task, handoff = pending.task, pending.handoff
        if completed_before(handoff, completion, target):
            return await self._again(call, task, handoff)
        offer = offered_to(handoff, completion.offer_id, target)
        proven(task, offer, completion.acceptance)
        call = call.about(task.correlation_id)
        evaluated = await self._evaluated(call, pending, target)
        if evaluated.effect is not Effect.ALLOW:
            await self._refuse(call, completion, evaluated)
        taken = await self._write(call, completion, evaluated)
        if taken is None:
            raise OfferLapsed(completion.offer_id)
        return taken

    async def _read(self, call: Call, handoff_id: str) -> PendingHandoff:
        async with self._ports.units.reading(call) as unit:
            handoff = await existing_handoff(unit, handoff_id)
            task = await existing_task(unit, handoff.task_id)
            return PendingHandoff(task, handoff, await unit.approvals_of(task.task_id))

    async def _again(self, call: Call, task: Task, handoff: Handoff) -> TakenOver:
        """Answer a target whose first answer was lost: the same, and nothing is done.

        Raises `StaleAssignment` where the task has moved on since: the target must not read what it
        is by now, and has to learn that it lost the task.
        """
        if not task.ended and task.owner_id != handoff.target:
            raise StaleAssignment(
                task_id=task.task_id, epoch=handoff.target_epoch, current_epoch=task.epoch
            )
        async with self._ports.units.reading(call) as unit:
            briefing = await briefing_of(unit, task)
        receipt = Receipt(handoff.last_event_id, task.correlation_id, task.version)
        return TakenOver(handoff, briefing, receipt)

    async def _evaluated(
        self, call: Call, pending: PendingHandoff, target: str
    ) -> TargetEvaluation:
        """Ask both questions again: the offer's answers may be older than 5 s."""
        task, handoff = pending.task, pending.handoff
        asked_at = self._ports.clock.monotonic()
        standings = await self._ports.registry.standings(call, [target, handoff.source])
        standing = standings.get(target)
        if standing is None:
            raise NotFound("participant", target)
        source = standings.get(handoff.source)
        candidate = TargetCandidate(standing, asked_at, pending.approvals, source)
        return await self._evaluate(call, task, handoff, candidate)

    async def _refuse(
        self, call: Call, completion: HandoffCompletion, evaluated: TargetEvaluation
    ) -> None:
        """End the offer and raise `PolicyDenied`: policy answers otherwise than at the offer."""
        target = evaluated.participant_id
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            standing = await self._locked(transaction, completion, target)
            await transaction.lock_gates([target])
            ending = denied_meanwhile(evaluated.verdict.explanation)
            task, handoff, _ = await end_offer(transaction, standing, ending)
            fields = EventFields(
                AuditEventType.HANDOFF_DENIED,
                reason=ReasonCode.POLICY_DENIED,
                participant=target,
                verdict=evaluated.verdict,
                detail=denial_detail(
                    evaluated.verdict, target=target, **handed_over(task, handoff)
                ),
            )
            saved, _, _ = await transaction.record_handoff((task, task), (handoff, handoff), fields)
            await unit.save_task(saved)
            await transaction.finish()
        raise PolicyDenied(evaluated.verdict)

    async def _write(
        self, call: Call, completion: HandoffCompletion, evaluated: TargetEvaluation
    ) -> TakenOver | None:
        """Rebind; None where the target's gate has closed and the offer was ended instead."""
        target, evaluation = evaluated.participant_id, evaluated.evaluation
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            standing = await self._locked(transaction, completion, target)
            task = standing.task
            proven(task, standing.offer, completion.acceptance)
            await transaction.lock_gates({target, standing.handoff.source})
            transaction.rely_on(evaluation)
            transaction.put_gate(brought_up(transaction.gate(target), evaluation.standing))
            if not transaction.gate(target).is_open(degraded_allowed=task.spec.degraded_allowed):
                await end_offer(transaction, standing, GATE_CLOSED)
                await transaction.finish()
                return None
            taken, completed, receipt = await rebind(
                transaction, standing, evaluation, completion.acceptance
            )
            await transaction.finish()
            result = TakenOver(completed, await briefing_of(unit, taken), receipt)
            await unit.remember(result)
        return result

    async def _locked(
        self, transaction: TaskTransaction, completion: HandoffCompletion, target: str
    ) -> StandingOffer:
        """The offer under the task's lock; raises `OfferLapsed` where it stands no more."""
        unit = transaction.unit
        task_id = (await existing_handoff(unit, completion.handoff_id)).task_id
        task = await unit.lock_task(task_id)
        handoff = await existing_handoff(unit, completion.handoff_id)
        if completed_before(handoff, completion, target):
            raise StaleRead
        offer = offered_to(handoff, completion.offer_id, target)
        return StandingOffer(task, handoff, offer)


def completed_before(handoff: Handoff, completion: HandoffCompletion, target: str) -> bool:
    """Whether this very answer has been given already."""
    return (
        handoff.status is HandoffStatus.COMPLETED
        and handoff.target == target
        and handoff.received_hash == completion.acceptance.received_hash
    )


def proven(task: Task, offer: Offer, acceptance: Acceptance) -> None:
    """Raise unless the received hash is the offered one and every open obligation is accepted."""
    if acceptance.received_hash != offer.context_hash:
        raise ContextHashMismatch(expected=offer.context_hash, received=acceptance.received_hash)
    open_ids = {obligation.id for obligation in task.open_obligations}
    missing = sorted(open_ids - set(acceptance.accepted_obligations))
    if missing:
        text = f"every open obligation has to be accepted; missing: {', '.join(missing)}"
        raise FieldInvalid([Violation("accepted_obligations", text)])


def brought_up(gate: Gate, standing: Standing) -> Gate:
    """The gate after ``standing``; raises `StaleRead` where it reflects a newer one."""
    if gate.standing_revision > standing.standing_revision:
        raise StaleRead
    return gate.brought_up(standing)
