"""Reads rows that have to exist; raises `NotFound` where they do not."""

from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.ports import Unit
from assignment_svc.domain.task import Task
from phoenix_runtime.core.errors import NotFound


async def existing_task(unit: Unit, task_id: str) -> Task:
    """Read a task without locking it; raises `NotFound`."""
    task = await unit.find_task(task_id)
    if task is None:
        raise NotFound("task", task_id)
    return task


async def existing_handoff(unit: Unit, handoff_id: str) -> Handoff:
    """Read a handoff as it stands; raises `NotFound`."""
    handoff = await unit.find_handoff(handoff_id)
    if handoff is None:
        raise NotFound("handoff", handoff_id)
    return handoff
