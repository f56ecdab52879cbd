"""Complete: the target proves what it received and takes over, in one commit (Algorithm 5, I5)."""

from dataclasses import dataclass, replace

from assignment_svc.domain.approval import Approval
from assignment_svc.domain.gate import Gate
from assignment_svc.domain.handoff import Handoff, Offer
from assignment_svc.domain.predicates import StaleRead, TooSlow
from assignment_svc.domain.states import Actor, HandoffStatus
from assignment_svc.domain.task import Task
from assignment_svc.usecases.assignment.bind import owed
from assignment_svc.usecases.handoff.decline_handoff import offered_to
from assignment_svc.usecases.handoff.evaluate_target import EvaluateTarget, Seen, TargetEvaluation
from assignment_svc.usecases.handoff.offering import (
    GATE_CLOSED,
    Acceptance,
    OfferEnding,
    rebind,
    withdraw_offer,
)
from assignment_svc.usecases.steps.briefing import Briefing, briefing_of
from assignment_svc.usecases.steps.documents import denial_detail
from assignment_svc.usecases.steps.migration import handed_over
from assignment_svc.usecases.steps.permissions import acting_participant, refusals_audited
from assignment_svc.usecases.steps.ports import Ports
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
class Completion:
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
    """Verifies the reception and rebinds; the same answer again answers the same."""

    def __init__(self, ports: Ports, evaluate: EvaluateTarget) -> None:
        self._ports = ports
        self._evaluate = evaluate

    async def __call__(self, call: Call, completion: Completion) -> TakenOver:
        """Take over.

        Raises `NotFound`, `NotPermitted`, `OfferLapsed`, `ContextHashMismatch`, `FieldInvalid`
        (obligations that are not accepted), `PolicyDenied`, `PolicyEngineUnavailable`, and
        `StaleAssignment` for a repetition once the task has moved on.
        """
        async with refusals_audited(self._ports, call, "CompleteHandoff"):
            target = acting_participant(call)
            for _ in range(self._ports.rules.rounds):
                try:
                    return await self._try(call, completion, target)
                except StaleRead:
                    continue
        raise TooSlow("What was judged changed again and again")

    async def _try(self, call: Call, completion: Completion, target: str) -> TakenOver:
        pending = await self._read(call, completion.handoff_id)
        task, handoff = pending.task, pending.handoff
        if completed_before(handoff, completion, target):
            return await self._again(call, task, handoff)
        offered_to(handoff, completion.offer_id, target)
        proven(task, handoff.offer, completion.acceptance)
        call = call.about(task.correlation_id)
        evaluation = await self._evaluated(call, pending, target)
        if evaluation.effect is not Effect.ALLOW:
            await self._refuse(call, completion, evaluation, target)
        taken = await self._write(call, completion, evaluation, target)
        if taken is None:
            self._ports.due_work.notify()
            raise OfferLapsed(completion.offer_id)
        return taken

    async def _read(self, call: Call, handoff_id: str) -> PendingHandoff:
        async with self._ports.units.reading(call) as unit:
            handoff = await unit.find_handoff(handoff_id)
            task = await unit.find_task(handoff.task_id) if handoff is not None else None
            approvals = await unit.approvals_of(task.task_id) if task is not None else ()
        if handoff is None or task is None:
            raise NotFound("handoff", handoff_id)
        return PendingHandoff(task, handoff, approvals)

    async def _again(self, call: Call, task: Task, handoff: Handoff) -> TakenOver:
        """The target asks once more after a lost reply: the same answer, nothing is done.

        Raises `StaleAssignment` where the task has moved on since: what it is by now is no longer
        the target's to read, and the target has to hear that it lost it.
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
        """The offer's answers may be older than 5 s, so both questions are asked again."""
        task, handoff = pending.task, pending.handoff
        asked_at = self._ports.clock.monotonic()
        standings = await self._ports.registry.standings(call, [target, handoff.source])
        standing = standings.get(target)
        if standing is None:
            raise NotFound("participant", target)
        seen = Seen(standing, asked_at, pending.approvals, standings.get(handoff.source))
        return await self._evaluate(call, task, handoff, seen)

    async def _refuse(
        self, call: Call, completion: Completion, evaluation: TargetEvaluation, target: str
    ) -> None:
        """Policy has changed its mind since the offer: withdrawn, audited, and said."""
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task, handoff = await self._locked(transaction, completion, target)
            await transaction.lock_gates([target])
            ending = OfferEnding(
                "withdraw",
                Actor.ENGINE,
                ReasonCode.POLICY_DENIED,
                evaluation.verdict.explanation or "policy no longer allows it",
                "withdrawn",
                exclude_target=False,
            )
            handoff, _ = await withdraw_offer(transaction, task, handoff, ending)
            task = await transaction.unit.lock_task(task.task_id)
            saved, receipt = await transaction.record(
                task, task, _denied(task, handoff, evaluation)
            )
            await unit.save_task(saved)
            await unit.save_handoff(replace(handoff, last_event_id=receipt.audit_event_id))
            await transaction.finish()
        self._ports.due_work.notify()
        raise PolicyDenied(evaluation.verdict)

    async def _write(
        self, call: Call, completion: Completion, evaluation: TargetEvaluation, target: str
    ) -> TakenOver | None:
        """Rebind; None where the target's gate has closed and the offer was withdrawn instead."""
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task, handoff = await self._locked(transaction, completion, target)
            proven(task, handoff.offer, completion.acceptance)
            await transaction.lock_gates({target, handoff.source})
            transaction.rely(evaluation.evaluation)
            transaction.put_gate(seen_by(transaction.gate(target), evaluation.evaluation.standing))
            if not transaction.gate(target).is_open(degraded_allowed=task.spec.degraded_allowed):
                await withdraw_offer(transaction, task, handoff, GATE_CLOSED)
                await transaction.finish()
                return None
            owing = replace(task, obligations=owed(task.obligations, evaluation.verdict))
            saved, completed, receipt = await rebind(
                transaction, owing, handoff, evaluation.evaluation, completion.acceptance
            )
            await transaction.finish()
            result = TakenOver(completed, await briefing_of(unit, saved), receipt)
            await unit.remember(result)
        return result

    async def _locked(
        self, transaction: TaskTransaction, completion: Completion, target: str
    ) -> tuple[Task, Handoff]:
        """Task and handoff under the task's lock, the offer still standing; else `OfferLapsed`."""
        found = await transaction.unit.find_handoff(completion.handoff_id)
        if found is None:
            raise NotFound("handoff", completion.handoff_id)
        task = await transaction.unit.lock_task(found.task_id)
        handoff = await transaction.unit.find_handoff(completion.handoff_id)
        if handoff is None:
            raise NotFound("handoff", completion.handoff_id)
        if completed_before(handoff, completion, target):
            raise StaleRead
        offered_to(handoff, completion.offer_id, target)
        return task, handoff


def completed_before(handoff: Handoff, completion: Completion, target: str) -> bool:
    """Whether this very answer has been given already."""
    return (
        handoff.status is HandoffStatus.COMPLETED
        and handoff.target == target
        and handoff.received_hash == completion.acceptance.received_hash
    )


def proven(task: Task, offer: Offer | None, acceptance: Acceptance) -> None:
    """Raise unless the received hash is the offered one and every open obligation is accepted."""
    expected = offer.context_hash if offer is not None else ""
    if acceptance.received_hash != expected:
        raise ContextHashMismatch(expected=expected, received=acceptance.received_hash)
    open_ids = {obligation.id for obligation in task.open_obligations}
    missing = sorted(open_ids - set(acceptance.accepted_obligations))
    if missing:
        text = f"every open obligation has to be accepted; missing: {', '.join(missing)}"
        raise FieldInvalid([Violation("accepted_obligations", text)])


def seen_by(gate: Gate, standing: Standing) -> Gate:
    """The gate after the judged standing; raises `StaleRead` where it has seen a newer one."""
    if gate.standing_revision > standing.standing_revision:
        raise StaleRead
    return gate.brought_up(standing)


def _denied(task: Task, handoff: Handoff, evaluation: TargetEvaluation) -> EventFields:
    target = evaluation.evaluation.standing.participant_id
    return EventFields(
        AuditEventType.HANDOFF_DENIED,
        reason=ReasonCode.POLICY_DENIED,
        participant=target,
        handoff=handoff.handoff_id,
        handoff_states=(handoff.status, handoff.status),
        verdict=evaluation.verdict,
        detail=denial_detail(evaluation.verdict, target=target, **handed_over(task, handoff)),
    )
