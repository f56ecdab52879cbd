"""Losses of owners: an attempt ends also by losing its owner, so no task takes a whole fleet.

A task that is ACTIVE when its owner dies, falls silent or comes back as a new process counts one
loss; at `TaskSpec.max_losses` it fails. Attempts are counted apart: they end by what a handler
reports, or by their time-out.

A death takes every task that its owner worked on, and does not say which of them it was. So two
tasks whose next loss is their last are never with one owner at a time: whoever was lost together
once too often is tried apart, and a task that kills its owners loses the last one without them.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from assignment_svc.domain.states import TaskStatus
from assignment_svc.domain.task import Loss, Task
from phoenix_runtime.core.events import OWNER_LOST, ReasonCode
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.wire import counted

MOST_LOSSES: Final = 100
"""The highest limit, and how many losses of a task without limit are kept."""


def is_loss(task: Task, reason: ReasonCode) -> bool:
    """Whether losing its owner for ``reason`` counts: it was being worked on."""
    return task.status is TaskStatus.ACTIVE and task.binding is not None and reason in OWNER_LOST


def with_loss(task: Task, reason: ReasonCode, at: datetime) -> Task:
    """The task with one loss more; its owner is still to be taken away."""
    owner = task.binding
    if owner is None:
        raise ValueError(f"{task.task_id} has no owner that could be lost")
    loss = Loss(owner.participant_id, owner.epoch, reason.value, at)
    kept = task.lost[-(MOST_LOSSES - 1) :]
    return replace(task, losses=task.losses + 1, lost=(*kept, loss))


def next_loss_is_last(task: Task) -> bool:
    """Whether the task fails once its owner is lost once more."""
    return 0 < task.spec.max_losses <= task.losses + 1


def suspect(task: Task) -> bool:
    """Whether it has lost owners, and the next one that it loses is its last."""
    return task.losses > 0 and next_loss_is_last(task)


def loss_detail(task: Task, epoch: int) -> dict[str, Json]:
    """What the event says that takes the owner under ``epoch`` away; {} where it is no loss."""
    if not task.lost or task.lost[-1].epoch != epoch:
        return {}
    return {"losses": task.losses, "max_losses": task.spec.max_losses}


def losses_detail(task: Task) -> dict[str, Json]:
    """Every loss, as the event of the task's end names them."""
    lost: list[Json] = [
        {
            "participant": loss.participant_id,
            "epoch": loss.epoch,
            "reason": loss.reason,
            "at": loss.at.isoformat(),
        }
        for loss in task.lost
    ]
    return {
        "losses": task.losses,
        "max_losses": task.spec.max_losses,
        "lost_owners": list(task.lost_owners),
        "lost": lost,
    }


def losses_sentence(task: Task) -> str:
    """Whom the task lost, for people; empty where it lost nobody."""
    if not task.losses:
        return ""
    lost = counted(task.losses, "owner")
    limit = f" of at most {task.spec.max_losses}" if task.spec.max_losses else ""
    return f"It lost {lost}{limit} while it was active: {', '.join(task.lost_owners)}."
