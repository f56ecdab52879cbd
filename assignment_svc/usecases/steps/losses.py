"""Takes a task away from an owner that may have been lost: it migrates, or the loss was its last.

Whoever can lose a task to a death or a silence goes through here, so that no loss is left out.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.lifecycle import TaskVerb
from assignment_svc.domain.losses import (
    is_loss,
    losses_detail,
    losses_sentence,
    next_loss_is_last,
    with_loss,
)
from assignment_svc.domain.predicates import seats_of
from assignment_svc.domain.states import Actor
from assignment_svc.domain.task import Task
from assignment_svc.usecases.steps.ending import Ending, end
from assignment_svc.usecases.steps.lose_owner import lose_owner
from assignment_svc.usecases.steps.suspects import kept_apart_from
from assignment_svc.usecases.steps.transaction import TaskTransaction
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.receipt import Receipt


@dataclass(frozen=True, slots=True)
class HeldTask:
    """A task under its lock and, where its next loss is its last, the family that ends with it."""

    family: tuple[Task, ...]
    handoffs: Mapping[str, Handoff]

    @property
    def task(self) -> Task:
        """The task itself."""
        return self.family[0]

    @property
    def handoff(self) -> Handoff | None:
        """Its open handoff, where there is one."""
        return self.handoffs.get(self.task.task_id)


async def lock_held(
    transaction: TaskTransaction, task_id: str, also: Collection[str] = ()
) -> HeldTask:
    """Lock a task, then the gates that losing its owner touches, and those of ``also``.

    Raises `NotFound`.
    """
    unit = transaction.unit
    family: tuple[Task, ...] = (await unit.lock_task(task_id),)
    if next_loss_is_last(family[0]):
        family = await unit.lock_family(task_id)
    handoffs = await unit.open_handoffs([task.task_id for task in family])
    seats = [seats_of(task, handoffs.get(task.task_id)) for task in family]
    await transaction.lock_gates(set().union(also, *seats))
    return HeldTask(family, handoffs)


async def lose(
    transaction: TaskTransaction, held: HeldTask, *, reason: ReasonCode, why: str
) -> Task:
    """Take the task away from its owner; FAILED where that was its last loss. Answers it, saved."""
    if lost_for_good(held.task, reason):
        task, _ = await abandon(transaction, held, reason)
        return task
    return await lose_owner(transaction, held.task, held.handoff, reason=reason, why=why)


def lost_for_good(task: Task, reason: ReasonCode) -> bool:
    """Whether losing its owner for ``reason`` ends the task."""
    return is_loss(task, reason) and next_loss_is_last(task)


async def apart_from(transaction: TaskTransaction, task: Task, reason: ReasonCode) -> str:
    """The task beside which its owner may not go on with this one, once that is lost; or empty."""
    if is_loss(task, reason):
        task = with_loss(task, reason, transaction.now)
    found = await kept_apart_from(transaction.unit, task, [task.owner_id])
    return found.get(task.owner_id, "")


async def abandon(
    transaction: TaskTransaction, held: HeldTask, reason: ReasonCode
) -> tuple[Task, Receipt]:
    """FAILED: its owner was lost once too often; the event names whom it took."""
    task = with_loss(held.task, reason, transaction.now)
    ending = Ending(
        TaskVerb.ABANDON,
        Actor.ENGINE,
        AuditEventType.TASK_FAILED,
        reason=ReasonCode.OWNERS_LOST,
        why=losses_sentence(task),
        detail=losses_detail(task),
    )
    return await end(transaction, (task, *held.family[1:]), held.handoffs, ending)
