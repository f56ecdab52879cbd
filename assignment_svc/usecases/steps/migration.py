"""The first half of every handoff: it begins, and its source is fenced.

Taking away asks nobody; giving asks everybody (handoff's own use cases).
"""

from dataclasses import dataclass, replace

from assignment_svc.domain.context import context_address
from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.lifecycle import HANDOFF, task_step
from assignment_svc.domain.states import Actor
from assignment_svc.domain.task import Binding, Task
from assignment_svc.usecases.steps.approval_requests import withdraw_question
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.directives import DirectiveAction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class HandoffStart:
    """Why and by whom a handoff begins; ``gone`` where its source is gone already."""

    reason: ReasonCode
    requested_by: str
    actor: Actor = Actor.ENGINE
    gone: bool = False
    why: str = ""
    verdict: Verdict | None = None


async def begin_handoff(
    transaction: TaskTransaction, task: Task, source: Binding, start: HandoffStart
) -> tuple[Task, Handoff, Receipt]:
    """Insert an INITIATED handoff and its event; neither task nor seats move yet."""
    status = HANDOFF.apply(None, "initiate", start.actor)
    handoff = Handoff(
        handoff_id=transaction.new_id("handoff"),
        task_id=task.task_id,
        correlation_id=task.correlation_id,
        source_binding=source,
        reason=start.reason.value,
        requested_by=start.requested_by,
        created_at=transaction.now,
        updated_at=transaction.now,
        status=status,
        source_gone=start.gone,
        next_try_at=transaction.now
        if start.gone
        else transaction.now + transaction.rules.last_checkpoint,
    )
    saved, receipt = await transaction.record(
        task,
        replace(task, handoff_id=handoff.handoff_id),
        EventFields(
            AuditEventType.HANDOFF_INITIATED,
            reason=start.reason,
            participant=handoff.source,
            handoff=handoff.handoff_id,
            handoff_states=(None, status),
            verdict=start.verdict,
            inputs=(context_reference(task),),
            detail={**handed_over(task, handoff), "why": start.why, "source_gone": start.gone},
        ),
    )
    handoff = replace(handoff, last_event_id=receipt.audit_event_id)
    await transaction.unit.add_handoff(handoff)
    return saved, handoff, receipt


async def fence_source(
    transaction: TaskTransaction, task: Task, reason: ReasonCode, why: str
) -> Task:
    """MIGRATING: the owner's epoch is burnt, whatever it still writes is refused.

    The seat is the caller's: a living source keeps it until the rebind, a gone one loses it.
    """
    status = task_step(task.status, task.parked_for, "migrate", Actor.ENGINE)
    binding = task.binding
    lost = await transaction.lose(task, by="migrate")
    saved, _ = await transaction.record(
        task,
        replace(lost, status=status, reason=reason.value),
        EventFields(
            AuditEventType.TASK_MIGRATING,
            reason=reason,
            participant=task.owner_id,
            handoff=task.handoff_id,
            detail={"burnt_epoch": binding.epoch if binding else task.epoch, "why": why},
        ),
    )
    return saved


async def stop_source(
    transaction: TaskTransaction, task: Task, handoff: Handoff, reason: str
) -> None:
    """Tell the source that the task is not its any more; a gone one hears it when it is back."""
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
    """Why and by whom a handoff is given up."""

    reason: ReasonCode
    why: str
    actor: Actor = Actor.ENGINE


async def abort_handoff(
    transaction: TaskTransaction,
    task: Task,
    handoff: Handoff,
    abort: HandoffAbort,
    *,
    moved: Task | None = None,
) -> tuple[Task, Handoff, Receipt]:
    """End a handoff without a target: its seats are given back.

    The gates of source and target are locked. ``moved`` is the task where the abort moves it too,
    in this one event; else it does not move. Call it before what else happens to the task.
    """
    status = HANDOFF.apply(handoff.status, "abort", abort.actor)
    await _let_go(transaction, handoff)
    after = replace(moved if moved is not None else task, handoff_id="")
    saved, receipt = await transaction.record(
        task,
        after,
        EventFields(
            AuditEventType.HANDOFF_ABORTED,
            reason=abort.reason,
            participant=handoff.source,
            handoff=handoff.handoff_id,
            handoff_states=(handoff.status, status),
            detail={"why": abort.why, "task_status": after.status.value, "epoch": after.epoch},
        ),
    )
    ended = replace(
        handoff,
        status=status,
        offer=None,
        parked=None,
        source_seated=False,
        next_try_at=None,
        updated_at=transaction.now,
        last_event_id=receipt.audit_event_id,
    )
    await transaction.unit.save_handoff(ended)
    return saved, ended, receipt


async def _let_go(transaction: TaskTransaction, handoff: Handoff) -> None:
    """Seats are given back, the offer and the question to a human are withdrawn."""
    if handoff.offer is not None:
        transaction.release(handoff.offer.target)
        await transaction.unit.end_offer(
            handoff.offer.offer_id, at=transaction.now, outcome="aborted"
        )
    if handoff.source_seated:
        transaction.release(handoff.source)
    if handoff.parked is not None:
        await withdraw_question(transaction, handoff.parked.approval_id)
