"""Offers a task to a target, ends the offer, or completes it, inside one unit (Algorithm 5)."""

from dataclasses import dataclass

from assignment_svc.domain import handoff_transitions
from assignment_svc.domain.approval import HANDOFF
from assignment_svc.domain.discovery import Evaluation
from assignment_svc.domain.handoff import Acceptance, Handoff, Offer, OfferRecord
from assignment_svc.domain.lifecycle import HandoffVerb, OfferOutcome, TaskVerb
from assignment_svc.domain.obligations import UsedApproval
from assignment_svc.domain.states import Actor
from assignment_svc.domain.task import Binding, Exclusion, Task
from assignment_svc.domain.task_transitions import rebound
from assignment_svc.usecases.steps.documents import bound_detail
from assignment_svc.usecases.steps.migration import (
    context_hash,
    context_reference,
    fence_source,
    handed_over,
    stop_source,
)
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.directives import Directive, DirectiveAction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.receipt import Receipt


@dataclass(frozen=True, slots=True)
class StandingOffer:
    """An offer that stands, with its handoff and its task, all under the task's lock."""

    task: Task
    handoff: Handoff
    offer: Offer


@dataclass(frozen=True, slots=True)
class OfferEnding:
    """Why and by whom an offer is ended; ``exclude_target`` bars its target for a while."""

    verb: HandoffVerb
    actor: Actor
    reason: ReasonCode
    why: str
    outcome: OfferOutcome
    exclude_target: bool = True


GATE_CLOSED = OfferEnding(
    HandoffVerb.WITHDRAW,
    Actor.ENGINE,
    ReasonCode.GATE_CLOSED,
    "its gate closed while the offer stood",
    OfferOutcome.WITHDRAWN,
    exclude_target=False,
)
"""Its target cannot take the task any more."""

TIMED_OUT = OfferEnding(
    HandoffVerb.TIME_OUT,
    Actor.DEADLINE,
    ReasonCode.OFFER_TIMEOUT,
    "it did not answer in time",
    OfferOutcome.LAPSED,
)
"""Its target has not answered before the deadline."""


def declined(why: str) -> OfferEnding:
    """Its target does not want the task."""
    return OfferEnding(
        HandoffVerb.DECLINE,
        Actor.TARGET,
        ReasonCode.DECLINED,
        why or "it declined",
        OfferOutcome.DECLINED,
    )


def denied_meanwhile(why: str) -> OfferEnding:
    """Policy does not allow its target any more."""
    return OfferEnding(
        HandoffVerb.WITHDRAW,
        Actor.ENGINE,
        ReasonCode.POLICY_DENIED,
        why or "policy no longer allows it",
        OfferOutcome.WITHDRAWN,
        exclude_target=False,
    )


async def make_offer(
    transaction: TaskTransaction, task: Task, handoff: Handoff, evaluation: Evaluation
) -> None:
    """Offer the task to the evaluated target: a seat is taken, a living source is fenced.

    The task and the gates of source and target are locked. Raises `StaleRead`, `CandidateLost`.
    """
    transaction.rely_on(evaluation)
    standing = evaluation.standing
    await transaction.admit(standing, task)
    seated = handoff.source_seated
    if task.binding is not None:
        reason, why = ReasonCode(handoff.reason), "its handoff is on offer"
        task = await fence_source(transaction, task, task.binding, reason, why)
        seated = True
    offer = Offer(
        offer_id=transaction.new_id("offer"),
        target=standing.participant_id,
        target_owner=standing.owner,
        generation=standing.generation,
        standing_revision=standing.standing_revision,
        decision_id=evaluation.verdict.decision_id,
        deadline=transaction.now + transaction.rules.offer_timeout,
        context_version=task.pointer.version if task.pointer else 0,
        context_hash=context_hash(task),
    )
    record = OfferRecord(task.task_id, handoff.handoff_id, offer, transaction.now)
    await transaction.unit.add_offer(record)
    fields = EventFields(
        AuditEventType.HANDOFF_OFFERED,
        reason=ReasonCode(handoff.reason),
        participant=offer.target,
        verdict=evaluation.verdict,
        inputs=(context_reference(task),),
        detail={**handed_over(task, handoff), **_named(offer)},
    )
    offered = handoff_transitions.offered(handoff, offer, source_seated=seated)
    saved, _, _ = await transaction.record_handoff((task, task), (handoff, offered), fields)
    await transaction.unit.save_task(saved)
    await _direct_target(transaction, task, offered, offer)


async def _direct_target(
    transaction: TaskTransaction, task: Task, handoff: Handoff, offer: Offer
) -> None:
    await transaction.unit.direct(
        Directive(
            directive_id=transaction.new_id("directive"),
            action=DirectiveAction.RECEIVE_HANDOFF,
            participant_id=offer.target,
            task_id=task.task_id,
            epoch=task.epoch,
            handoff_id=handoff.handoff_id,
            offer_id=offer.offer_id,
            deadline=offer.deadline,
            facts={"source": handoff.source, "reason": handoff.reason},
        )
    )


async def end_offer(
    transaction: TaskTransaction, standing: StandingOffer, ending: OfferEnding
) -> tuple[Task, Handoff, Receipt]:
    """End the offer; the handoff looks for another target at once. The target's gate is locked.

    Answers task and handoff, both saved. Raises `IllegalTransition`.
    """
    handoff, offer, now = standing.handoff, standing.offer, transaction.now
    looking = handoff_transitions.offer_ended(handoff, ending.verb, ending.actor, now)
    transaction.release(offer.target)
    await transaction.unit.end_offer(offer.offer_id, at=now, outcome=ending.outcome)
    if ending.exclude_target:
        await _exclude_target(transaction, standing, ending)
    fields = EventFields(
        AuditEventType.HANDOFF_DECLINED,
        reason=ending.reason,
        participant=offer.target,
        detail={
            **_named(offer),
            "policy_decision_id": offer.decision_id,
            "why": ending.why,
        },
    )
    tasks = (standing.task, standing.task)
    task, looking, receipt = await transaction.record_handoff(tasks, (handoff, looking), fields)
    await transaction.unit.save_task(task)
    return task, looking, receipt


async def _exclude_target(
    transaction: TaskTransaction, standing: StandingOffer, ending: OfferEnding
) -> None:
    """Do not ask the target in this handoff for a while, longer each time."""
    task_id, target = standing.task.task_id, standing.offer.target
    known = await transaction.unit.exclusions(task_id)
    tries = 1 + max((one.tries for one in known if one.participant_id == target), default=0)
    await transaction.unit.exclude(
        Exclusion(
            task_id=task_id,
            participant_id=target,
            reason=ending.reason.value,
            because=ending.why,
            scope=standing.handoff.handoff_id,
            tries=tries,
            excluded_until=transaction.rules.exclusion.after(transaction.now, tries),
        )
    )


async def rebind(
    transaction: TaskTransaction,
    standing: StandingOffer,
    evaluation: Evaluation,
    acceptance: Acceptance,
) -> tuple[Task, Handoff, Receipt]:
    """Complete the offer: its seat becomes the owner's, under a new epoch, in this one commit.

    The gates of source and target are locked, the target's is open. Answers task and handoff, both
    saved.
    """
    task, handoff, offer = standing.task, standing.handoff, standing.offer
    decision_id = evaluation.verdict.decision_id
    binding = transaction.binding(task, evaluation.standing, decision_id)
    outcome = OfferOutcome.COMPLETED
    await transaction.unit.end_offer(offer.offer_id, at=transaction.now, outcome=outcome)
    if handoff.source_seated:
        transaction.release(handoff.source)
    completed = handoff_transitions.completed(
        handoff, offer, acceptance, epoch=binding.epoch, decision_id=decision_id
    )
    fields = _taken_over(transaction, task, completed, (binding, evaluation))
    tasks = (task, rebound(task, binding, evaluation.verdict))
    taken, completed, receipt = await transaction.record_handoff(
        tasks, (handoff, completed), fields
    )
    await transaction.unit.save_task(taken)
    await stop_source(transaction, taken, completed, ReasonCode.SUPERSEDED.value)
    return taken, completed, receipt


def _taken_over(
    transaction: TaskTransaction,
    task: Task,
    completed: Handoff,
    bound: tuple[Binding, Evaluation],
) -> EventFields:
    """The link p1 → p2: both epochs, reason, decision, what was received and promised (I5)."""
    binding, evaluation = bound
    return EventFields(
        AuditEventType.HANDOFF_COMPLETED,
        reason=ReasonCode(completed.reason),
        participant=completed.target,
        verdict=evaluation.verdict,
        inputs=(context_reference(task),),
        detail={
            **handed_over(task, completed),
            **bound_detail(binding, evaluation, transaction.monotonic),
            "target": completed.target,
            "target_epoch": completed.target_epoch,
            "received_hash": completed.received_hash,
            "accepted_obligations": list(completed.accepted_obligations),
            "approval_id": completed.approval_id,
        },
        verb=TaskVerb.REBIND,
        used=UsedApproval(HANDOFF, completed.approval_id) if completed.approval_id else None,
    )


def _named(offer: Offer) -> dict[str, str]:
    """How events name an offer."""
    return {
        "target": offer.target,
        "offer_id": offer.offer_id,
        "deadline": offer.deadline.isoformat(),
    }
