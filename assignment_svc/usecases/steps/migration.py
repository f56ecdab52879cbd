"""Handoffs begin, their sources are fenced, and they are aborted; all inside one unit.

Taking a task away asks nobody; giving it to a target asks policy (`usecases.handoff`).
"""

from dataclasses import dataclass

from assignment_svc.domain import handoff_transitions, task_transitions
from assignment_svc.domain.context import context_address
from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.lifecycle import HANDOFF, HandoffVerb, OfferOutcome, TaskVerb
from assignment_svc.domain.losses import loss_detail
from assignment_svc.domain.states import Actor
from assignment_svc.domain.task import Binding, Task
from assignment_svc.usecases.steps.approval_requests import withdraw_question
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.directives import DirectiveAction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.verdict import Verdict

ENGINE = "engine"
"""Who has requested a handoff that the service itself begins."""


@dataclass(frozen=True, slots=True)
class HandoffStart:
    """Why and by whom a handoff begins; ``gone`` where its source is gone already.

    ``at_once`` where a living source's last checkpoint need not be waited for.
    """

    reason: ReasonCode
    requested_by: str = ENGINE
    actor: Actor = Actor.ENGINE
    gone: bool = False
    at_once: bool = False
    why: str = ""
    verdict: Verdict | None = None


async def begin_handoff(
    transaction: TaskTransaction, task: Task, source: Binding, start: HandoffStart
) -> tuple[Task, Handoff, Receipt]:
    """Insert an INITIATED handoff with its event. The task is to be saved; no seat moves yet."""
    now = transaction.now
    waits = not (start.gone or start.at_once)
    handoff = Handoff(
        handoff_id=transaction.new_id("handoff"),
        task_id=task.task_id,
        correlation_id=task.correlation_id,
        source_binding=source,
        reason=start.reason.value,
        requested_by=start.requested_by,
        created_at=now,
        updated_at=now,
        status=HANDOFF.apply(None, HandoffVerb.INITIATE, start.actor),
        source_gone=start.gone,
        next_try_at=now + transaction.rules.last_checkpoint if waits else now,
    )
    fields = EventFields(
        AuditEventType.HANDOFF_INITIATED,
        reason=start.reason,
        participant=handoff.source,
        verdict=start.verdict,
        inputs=(context_reference(task),),
        detail={**handed_over(task, handoff), "why": start.why, "source_gone": start.gone},
    )
    after = task_transitions.handoff_began(task, handoff.handoff_id)
    return await transaction.record_handoff((task, after), (None, handoff), fields)


async def fence_source(
    transaction: TaskTransaction, task: Task, source: Binding, reason: ReasonCode, why: str
) -> Task:
    """MIGRATING: the owner's epoch is burnt, whatever it still writes is refused.

    The task is to be saved. The caller decides about the seat: a living source keeps it until the
    rebind, one that is gone loses it.
    """
    fields = EventFields(
        AuditEventType.TASK_MIGRATING,
        reason=reason,
        participant=source.participant_id,
        handoff=task.handoff_id,
        detail={"burnt_epoch": source.epoch, "why": why, **loss_detail(task, source.epoch)},
        verb=TaskVerb.MIGRATE,
    )
    fenced, _ = await transaction.record(task, task_transitions.fenced(task, reason), fields)
    return fenced


async def stop_source(
    transaction: TaskTransaction, task: Task, handoff: Handoff, reason: str
) -> None:
    """Direct the source to stop; one that is gone receives the directive when it is back."""
    await transaction.direct(
        DirectiveAction.STOP_TASK,
        handoff.source,
        task,
        epoch=handoff.source_epoch,
        facts={"reason": reason, "handoff_id": handoff.handoff_id},
    )


def handed_over(task: Task, handoff: Handoff) -> dict[str, Json]:
    """Table 5, *handoff initiated*: source, reason, context reference."""
    return {
        "source": handoff.source,
        "source_epoch": handoff.source_epoch,
        "reason": handoff.reason,
        "context_reference": context_reference(task),
        "context_version": task.pointer.version if task.pointer else 0,
        "context_hash": context_hash(task),
    }


def context_reference(task: Task) -> str:
    """The address of what the next owner reads."""
    return task.pointer.address if task.pointer else context_address(task.task_id)


def context_hash(task: Task) -> str:
    """The hash of what the next owner reads: the newest checkpoint, or the submitted input."""
    return task.pointer.hash if task.pointer else task.spec.input_hash


@dataclass(frozen=True, slots=True)
class HandoffAbort:
    """Why and by whom a handoff is aborted."""

    reason: ReasonCode
    why: str
    actor: Actor = Actor.ENGINE


async def abort_handoff(
    transaction: TaskTransaction,
    task: Task,
    handoff: Handoff,
    abort: HandoffAbort,
    *,
    restored: Task | None = None,
) -> tuple[Task, Handoff, Receipt]:
    """End a handoff without a target; the seats that were kept for it are given back.

    The gates of source and target are locked. ``restored`` is the task where its living source has
    it again, by this one event; else the owner stays who it is, and the source's seat is released.
    The task is to be saved. Call it before whatever else happens to the task.
    """
    await _end_offer(transaction, handoff)
    if handoff.source_seated and restored is None:
        transaction.release(handoff.source)
    if handoff.parked is not None:
        await withdraw_question(transaction, handoff.parked.approval_id)
    after = task_transitions.handoff_ended(restored if restored is not None else task)
    fields = EventFields(
        AuditEventType.HANDOFF_ABORTED,
        reason=abort.reason,
        participant=handoff.source,
        detail={"why": abort.why, "task_status": after.status.value, "epoch": after.epoch},
        verb=TaskVerb.ABORT_HANDOFF,
    )
    aborted = handoff_transitions.aborted(handoff, abort.actor)
    return await transaction.record_handoff((task, after), (handoff, aborted), fields)


async def _end_offer(transaction: TaskTransaction, handoff: Handoff) -> None:
    offer = handoff.offer
    if offer is not None:
        transaction.release(offer.target)
        outcome = OfferOutcome.ABORTED
        await transaction.unit.end_offer(offer.offer_id, at=transaction.now, outcome=outcome)
