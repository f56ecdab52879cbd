"""The second half of every handoff, inside one unit: offer, withdraw, rebind (Algorithm 5)."""

from dataclasses import dataclass, replace

from assignment_svc.domain.discovery import Judged
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
from assignment_svc.usecases.steps.transaction import Act, Telling
from phoenix_runtime.core.directives import Directive, DirectiveAction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Reception:
    """What the target proved and promised."""

    received_hash: str
    accepted_obligations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Why an offer stands no more, and by whom; ``excluded`` keeps its target from the next one."""

    verb: str
    actor: Actor
    reason: ReasonCode
    why: str
    outcome: str
    excluded: bool = True


GATE_CLOSED = Withdrawal(
    "withdraw",
    Actor.ENGINE,
    ReasonCode.GATE_CLOSED,
    "its gate closed while the offer stood",
    "withdrawn",
    excluded=False,
)
"""Why an offer ends whose target cannot take it any more."""


async def make_offer(act: Act, task: Task, handoff: Handoff, judged: Judged) -> Handoff:
    """Offer the task to the judged target: a seat is taken, a living source is fenced.

    The task and the gates of source and target are locked. Raises `StaleRead`, `CandidateLost`.
    """
    act.rely(judged)
    standing = judged.standing
    act.admit(standing, degraded_allowed=task.spec.degraded_allowed)
    if task.status is not TaskStatus.MIGRATING:
        task = await fence_source(act, task, ReasonCode(handoff.reason), "its handoff is on offer")
        handoff = replace(handoff, source_seated=True)
    offer = Offer(
        offer_id=act.new_id("offer"),
        target=standing.participant_id,
        target_owner=standing.owner,
        generation=standing.generation,
        standing_revision=standing.standing_revision,
        decision_id=judged.verdict.decision_id,
        deadline=act.now + act.rules.offer_timeout,
        context_version=task.pointer.version if task.pointer else 0,
        context_hash=context_hash(task),
    )
    await act.unit.add_offer(OfferRecord(task.task_id, handoff.handoff_id, offer, act.now))
    status = HANDOFF.apply(handoff.status, "offer", Actor.ENGINE)
    offered = replace(handoff, status=status, offer=offer, next_try_at=None, tries=0)
    await _tell_offer(act, task, (handoff, offered), judged)
    await _announce(act, task, offered, offer)
    return offered


async def _tell_offer(
    act: Act, task: Task, handoffs: tuple[Handoff, Handoff], judged: Judged
) -> None:
    before, offered = handoffs
    offer = offered.offer
    if offer is None:
        raise LookupError("an offer is told after it was made")
    told, receipt = await act.tell(
        task,
        task,
        Telling(
            AuditEventType.HANDOFF_OFFERED,
            reason=ReasonCode(offered.reason),
            participant=offer.target,
            handoff=offered.handoff_id,
            handoff_states=(before.status, offered.status),
            verdict=judged.verdict,
            inputs=(context_reference(task),),
            detail={
                **handed_over(task, offered),
                "target": offer.target,
                "offer_id": offer.offer_id,
                "deadline": offer.deadline.isoformat(),
            },
        ),
    )
    await act.unit.save_task(told)
    await act.unit.save_handoff(
        replace(offered, updated_at=act.now, last_event_id=receipt.audit_event_id)
    )


async def _announce(act: Act, task: Task, handoff: Handoff, offer: Offer) -> None:
    await act.unit.direct(
        Directive(
            directive_id=act.new_id("directive"),
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
    act: Act, task: Task, handoff: Handoff, withdrawal: Withdrawal
) -> tuple[Handoff, Receipt]:
    """End the standing offer; the handoff looks further at once. The target's gate is locked."""
    offer = handoff.offer
    if offer is None:
        raise LookupError(f"{handoff.handoff_id} has no offer to withdraw")
    status = HANDOFF.apply(handoff.status, withdrawal.verb, withdrawal.actor)
    act.release(offer.target)
    await act.unit.end_offer(offer.offer_id, at=act.now, outcome=withdrawal.outcome)
    if withdrawal.excluded:
        await _leave_out(act, task, handoff, withdrawal)
    open_again = replace(
        handoff, status=status, offer=None, cleared_target_id="", next_try_at=act.now
    )
    told, receipt = await act.tell(
        task,
        task,
        Telling(
            AuditEventType.HANDOFF_DECLINED,
            reason=withdrawal.reason,
            participant=offer.target,
            handoff=handoff.handoff_id,
            handoff_states=(handoff.status, status),
            detail={
                "target": offer.target,
                "offer_id": offer.offer_id,
                "deadline": offer.deadline.isoformat(),
                "policy_decision_id": offer.decision_id,
                "why": withdrawal.why,
            },
        ),
    )
    open_again = replace(open_again, updated_at=act.now, last_event_id=receipt.audit_event_id)
    await act.unit.save_task(told)
    await act.unit.save_handoff(open_again)
    return open_again, receipt


async def _leave_out(act: Act, task: Task, handoff: Handoff, withdrawal: Withdrawal) -> None:
    """Whoever declined, or let an offer lapse, is left out for this task with back-off."""
    target = handoff.offer.target if handoff.offer is not None else ""
    known = await act.unit.exclusions(task.task_id)
    tries = 1 + max((one.tries for one in known if one.participant_id == target), default=0)
    await act.unit.exclude(
        Exclusion(
            task_id=task.task_id,
            participant_id=target,
            reason=withdrawal.reason.value,
            because=withdrawal.why,
            scope=handoff.handoff_id,
            tries=tries,
            excluded_until=act.rules.exclusion.after(act.now, tries),
        )
    )


async def rebind(
    act: Act, task: Task, handoff: Handoff, judged: Judged, reception: Reception
) -> tuple[Task, Handoff, Receipt]:
    """Take over: the offer's seat becomes the owner's, under a new epoch, in this one commit.

    The offer was checked, the gates of source and target are locked, the target's is open.
    """
    offer = handoff.offer
    if offer is None:
        raise LookupError(f"{handoff.handoff_id} has no offer to complete")
    status = task_step(task.status, task.parked_for, "rebind", Actor.TARGET)
    ended = HANDOFF.apply(handoff.status, "complete", Actor.TARGET)
    decision = judged.verdict.decision_id
    gained = await act.gain(task, judged.standing, decision=decision, by="rebind")
    await act.unit.end_offer(offer.offer_id, at=act.now, outcome="completed")
    if handoff.source_seated:
        act.release(handoff.source)
    taken = _begun(act, replace(gained, status=status))
    completed = replace(
        _received(handoff, reception),
        status=ended,
        target=offer.target,
        target_epoch=taken.epoch,
        decision_id=decision,
    )
    told, receipt = await act.tell(
        task, taken, _takeover(act, (task, taken), (handoff, completed), judged)
    )
    completed = replace(completed, updated_at=act.now, last_event_id=receipt.audit_event_id)
    await act.unit.save_task(told)
    await act.unit.save_handoff(completed)
    await stop_source(act, told, completed, ReasonCode.SUPERSEDED.value)
    return told, completed, receipt


def _begun(act: Act, gained: Task) -> Task:
    """The task at work again: its target accepts and starts in one step."""
    timeout = gained.spec.attempt_timeout
    return replace(
        gained,
        handoff_id="",
        reason="",
        attempt=max(1, gained.attempt),
        attempt_due_at=act.now + timeout if timeout is not None else None,
    )


def _received(handoff: Handoff, reception: Reception) -> Handoff:
    """The handoff with what its target proved; nothing of it stands open any more."""
    return replace(
        handoff,
        offer=None,
        received_hash=reception.received_hash,
        accepted_obligations=reception.accepted_obligations,
        source_seated=False,
        next_try_at=None,
    )


def _takeover(
    act: Act, tasks: tuple[Task, Task], handoffs: tuple[Handoff, Handoff], judged: Judged
) -> Telling:
    """The link p1 → p2: both epochs, reason, decision, what was received and promised (I5)."""
    before, taken = tasks
    handoff, completed = handoffs
    bound = {} if taken.binding is None else bound_detail(taken.binding, judged, act.monotonic)
    return Telling(
        AuditEventType.HANDOFF_COMPLETED,
        reason=ReasonCode(handoff.reason),
        participant=completed.target,
        handoff=handoff.handoff_id,
        handoff_states=(handoff.status, completed.status),
        verdict=judged.verdict,
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
