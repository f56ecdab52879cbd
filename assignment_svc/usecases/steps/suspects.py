"""Finds at whom a task may not be because another one is there: both would fail by their next loss.

A death takes every task of an owner and does not say which of them it was; what was lost together
is told apart by being kept apart (`domain.losses`).
"""

from collections.abc import Collection

from assignment_svc.domain.losses import suspect
from assignment_svc.domain.ports import Unit
from assignment_svc.domain.predicates import CandidateLost, seated_at
from assignment_svc.domain.task import Task


async def kept_apart_from(
    unit: Unit, task: Task, participant_ids: Collection[str]
) -> dict[str, str]:
    """By participant, the task beside which ``task`` may not be there; {} for almost every task.

    Under the lock of a gate the answer for its participant holds until the unit's end.
    """
    if not suspect(task):
        return {}
    around = await unit.tasks_around(participant_ids)
    others = [one for one in around if suspect(one) and one.task_id != task.task_id]
    handoffs = await unit.open_handoffs([one.task_id for one in others])
    return {
        name: one.task_id
        for one in others
        for name in participant_ids
        if seated_at(one, handoffs.get(one.task_id), name)
    }


def apart(other: str) -> CandidateLost:
    """Why a participant that has ``other`` does not get the task."""
    because = f"it has {other}; each of the two fails by its next loss, so they are kept apart"
    return CandidateLost("losses", because)
