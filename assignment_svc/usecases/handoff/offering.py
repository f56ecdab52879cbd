"""The second half of every handoff, inside one unit: offer, withdraw, rebind (Algorithm 5)."""

from dataclasses import dataclass, replace

from assignment_svc.domain.discovery import Evaluation
from assignment_svc.domain.handoff import Handoff, Offer, OfferRecord
from assignment_svc.domain.lifecycle import HANDOFF, task_step
from assignment_svc.domain.states import Actor, TaskStatus
from assignment_svc.domain.task import Exclusion, Task
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
class Acceptance:
    """What the target proved and promised."""

    received_hash: str
    accepted_obligations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OfferEnding:
    """Why and by whom an offer is ended; ``exclude_target`` bars its target for a while."""

    verb: str
    actor: Actor
    reason: ReasonCode
    why: str
    outcome: str
    exclude_target: bool = True


GATE_CLOSED = OfferEnding(
    "withdraw",
    Actor.ENGINE,
    ReasonCode.GATE_CLOSED,
    "its gate closed while the offer stood",
    "withdrawn",
    exclude_target=False,
)
"""Why an offer ends whose target cannot take it any more."""


async def make_offer(
    transaction: TaskTransaction, task: Task, handoff: Handoff, evaluation: Evaluation
) -> Handoff:
    """Offer the task to the judged target: a seat is taken, a living source is fenced.

    The task and the gates of source and target are locked. Raises `StaleRead`, `CandidateLost`.
    """
    transaction.rely(evaluation)
    standing = evaluation.standing
    transaction.admit(standing, degraded_allowed=task.spec.degraded_allowed)
    if task.status is not TaskStatus.MIGRATING:
        task = await fence_source(
            transaction, task, ReasonCode(handoff.reason), "its handoff is on offer"
        )
        handoff = replace(handoff, source_seated=True)
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
    await transaction.unit.add_offer(
        OfferRecord(task.task_id, handoff.handoff_id, offer, transaction.now)
    )
    status = HANDOFF.apply(handoff.status, "offer", Actor.ENGINE)
    offered = replace(handoff, status=status, offer=offer, next_try_at=None, tries=0)
    await _record_offer(transaction, task, (handoff, offered), evaluation)
    await _announce(transaction, task, offered, offer)
    return offered


async def _record_offer(
    transaction: TaskTransaction,
    task: Task,
    handoffs: tuple[Handoff, Handoff],
    evaluation: Evaluation,
) -> None:
    before, offered = handoffs
    offer = offered.offer
    if offer is None:
        raise LookupError("an offer is told after it was made")
    saved, receipt = await transaction.record(
        task,
        task,
        EventFields(
            AuditEventType.HANDOFF_OFFERED,
            reason=ReasonCode(offered.reason),
            participant=offer.target,
            handoff=offered.handoff_id,
            handoff_states=(before.status, offered.status),
            verdict=evaluation.verdict,
            inputs=(context_reference(task),),
            detail={
                **handed_over(task, offered),
                "target": offer.target,
                "offer_id": offer.offer_id,
                "deadline": offer.deadline.isoformat(),
            },
        ),
    )
    await transaction.unit.save_task(saved)
    await transaction.unit.save_handoff(
        replace(offered, updated_at=transaction.now, last_event_id=receipt.audit_event_id)
    )


async def _announce(
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


async def withdraw_offer(
    transaction: TaskTransaction, task: Task, handoff: Handoff, ending: OfferEnding
) -> tuple[Handoff, Receipt]:
    """End the standing offer; the handoff looks further at once. The target's gate is locked."""
    offer = handoff.offer
    if offer is None:
        raise LookupError(f"{handoff.handoff_id} has no offer to withdraw")
    status = HANDOFF.apply(handoff.status, ending.verb, ending.actor)
    transaction.release(offer.target)
    await transaction.unit.end_offer(offer.offer_id, at=transaction.now, outcome=ending.outcome)
    if ending.exclude_target:
        await _exclude(transaction, task, handoff, ending)
    open_again = replace(
        handoff, status=status, offer=None, cleared_target_id="", next_try_at=transaction.now
    )
    saved, receipt = await transaction.record(
        task,
        task,
        EventFields(
            AuditEventType.HANDOFF_DECLINED,
            reason=ending.reason,
            participant=offer.target,
            handoff=handoff.handoff_id,
            handoff_states=(handoff.status, status),
            detail={
                "target": offer.target,
                "offer_id": offer.offer_id,
                "deadline": offer.deadline.isoformat(),
                "policy_decision_id": offer.decision_id,
                "why": ending.why,
            },
        ),
    )
    open_again = replace(
        open_again, updated_at=transaction.now, last_event_id=receipt.audit_event_id
    )
    await transaction.unit.save_task(saved)
    await transaction.unit.save_handoff(open_again)
    return open_again, receipt


async def _exclude(
    transaction: TaskTransaction, task: Task, handoff: Handoff, ending: OfferEnding
) -> None:
    """Whoever declined, or let an offer lapse, is left out for this task with back-off."""
    target = handoff.offer.target if handoff.offer is not None else ""
    known = await transaction.unit.exclusions(task.task_id)
    tries = 1 + max((one.tries for one in known if one.participant_id == target), default=0)
    await transaction.unit.exclude(
        Exclusion(
            task_id=task.task_id,
            participant_id=target,
            reason=ending.reason.value,
            because=ending.why,
            scope=handoff.handoff_id,
            tries=tries,
            excluded_until=transaction.rules.exclusion.after(transaction.now, tries),
        )
    )


async def rebind(
    transaction: TaskTransaction,
    task: Task,
    handoff: Handoff,
    evaluation: Evaluation,
    acceptance: Acceptance,
) -> tuple[Task, Handoff, Receipt]:
    """Take over: the offer's seat becomes the owner's, under a new epoch, in this one commit.

    The offer was checked, the gates of source and target are locked, the target's is open.
    """
    offer = handoff.offer
    if offer is None:
        raise LookupError(f"{handoff.handoff_id} has no offer to complete")
    status = task_step(task.status, task.parked_for, "rebind", Actor.TARGET)
    ended = HANDOFF.apply(handoff.status, "complete", Actor.TARGET)
    decision = evaluation.verdict.decision_id
    gained = await transaction.gain(task, evaluation.standing, decision=decision, by="rebind")
    await transaction.unit.end_offer(offer.offer_id, at=transaction.now, outcome="completed")
    if handoff.source_seated:
        transaction.release(handoff.source)
    taken = _begun(transaction, replace(gained, status=status))
    completed = replace(
        _received(handoff, acceptance),
        status=ended,
        target=offer.target,
        target_epoch=taken.epoch,
        decision_id=decision,
    )
    saved, receipt = await transaction.record(
        task, taken, _takeover(transaction, (task, taken), (handoff, completed), evaluation)
    )
    completed = replace(completed, updated_at=transaction.now, last_event_id=receipt.audit_event_id)
    await transaction.unit.save_task(saved)
    await transaction.unit.save_handoff(completed)
    await stop_source(transaction, saved, completed, ReasonCode.SUPERSEDED.value)
    return saved, completed, receipt


def _begun(transaction: TaskTransaction, gained: Task) -> Task:
    """The task at work again: its target accepts and starts in one step."""
    timeout = gained.spec.attempt_timeout
    return replace(
        gained,
        handoff_id="",
        reason="",
        attempt=max(1, gained.attempt),
        attempt_due_at=transaction.now + timeout if timeout is not None else None,
    )


def _received(handoff: Handoff, acceptance: Acceptance) -> Handoff:
    """The handoff with what its target proved; nothing of it stands open any more."""
    return replace(
        handoff,
        offer=None,
        received_hash=acceptance.received_hash,
        accepted_obligations=acceptance.accepted_obligations,
        source_seated=False,
        next_try_at=None,
    )


def _takeover(
    transaction: TaskTransaction,
    tasks: tuple[Task, Task],
    handoffs: tuple[Handoff, Handoff],
    evaluation: Evaluation,
) -> EventFields:
    """The link p1 → p2: both epochs, reason, decision, what was received and promised (I5)."""
    before, taken = tasks
    handoff, completed = handoffs
    bound = (
        {}
        if taken.binding is None
        else bound_detail(taken.binding, evaluation, transaction.monotonic)
    )
    return EventFields(
        AuditEventType.HANDOFF_COMPLETED,
        reason=ReasonCode(handoff.reason),
        participant=completed.target,
        handoff=handoff.handoff_id,
        handoff_states=(handoff.status, completed.status),
        verdict=evaluation.verdict,
        inputs=(context_reference(before),),
        detail={
            **handed_over(before, completed),
            **bound,
            "target": completed.target,
            "target_epoch": completed.target_epoch,
            "received_hash": completed.received_hash,
            "accepted_obligations": list(completed.accepted_obligations),
            "approval_id": completed.approval_id,
        },
    )
