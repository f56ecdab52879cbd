"""Tasks that an assignee submits under its own task."""

import pytest

from assignment_svc.domain.states import TaskStatus
from assignment_svc.usecases.tasks.complete_task import TaskResult
from assignment_svc.usecases.tasks.fail_task import Failure
from phoenix_runtime.core import errors
from tests.support.servers.assignment_service import AssignmentService, declaration

RESULT = {"duplicates": 3}


async def test_children_carry_the_correlation_id_and_end_with_their_parent(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    assignment.registry.join("agent.b", capacity=3)
    parent = await assignment.active("task.parent")
    caller = assignment.agent(parent.owner_id)

    async def child(task_id: str, *, detached: bool = False) -> None:
        declared = declaration(
            task_id, parent_task_id="task.parent", parent_epoch=parent.epoch, detached=detached
        )
        await assignment.tasks.submit(caller, declared)

    await child("task.child")
    await child("task.detached", detached=True)
    await assignment.work()
    assert (await assignment.task("task.child")).correlation_id == parent.correlation_id
    grandparent = await assignment.task("task.child")
    await assignment.tasks.start(
        assignment.agent(grandparent.owner_id), "task.child", grandparent.epoch
    )
    await assignment.tasks.submit(
        assignment.agent(grandparent.owner_id),
        declaration("task.grandchild", parent_task_id="task.child", parent_epoch=grandparent.epoch),
    )
    await assignment.tasks.complete(caller, TaskResult("task.parent", parent.epoch, RESULT))
    assert (await assignment.task("task.child")).reason == "parent_ended"
    assert (await assignment.task("task.grandchild")).status is TaskStatus.CANCELLED
    assert not (await assignment.task("task.detached")).ended


async def test_a_zombie_has_no_children(assignment: AssignmentService) -> None:
    assignment.registry.join("agent.a")
    parent = await assignment.active("task.parent")
    await assignment.tasks.fail(
        assignment.agent("agent.a"), "task.parent", parent.epoch, Failure("x", retryable=True)
    )
    declared = declaration("task.c", parent_task_id="task.parent", parent_epoch=parent.epoch)
    with pytest.raises(errors.StaleAssignment):
        await assignment.tasks.submit(assignment.agent("agent.a"), declared)


async def test_generations_of_children_and_their_number_are_bounded(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a", capacity=40)
    parent = await assignment.active("task.0")
    for depth in range(1, 9):
        declared = declaration(
            f"task.{depth}", parent_task_id=parent.task_id, parent_epoch=parent.epoch
        )
        await assignment.tasks.submit(assignment.agent("agent.a"), declared)
        assigned = await assignment.assign(assignment.engine, f"task.{depth}")
        parent = assigned.task
    declared = declaration("task.9", parent_task_id=parent.task_id, parent_epoch=parent.epoch)
    with pytest.raises(errors.QuotaExceeded):
        await assignment.tasks.submit(assignment.agent("agent.a"), declared)
