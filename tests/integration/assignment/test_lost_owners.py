"""Owners that fail, come back, or lose the grants that their tasks need."""

import pytest

from assignment_svc.domain.states import TaskStatus
from phoenix_runtime.core import errors
from phoenix_runtime.core.standing import ParticipantStatus
from phoenix_runtime.core.verdict import Grants
from tests.support.servers.assignment_service import AssignmentService


async def test_an_owner_that_fails_loses_its_tasks_at_once(assignment: AssignmentService) -> None:
    assignment.registry.join("agent.a", capacity=2)
    active = await assignment.active("task.one")
    await assignment.bound("task.two")
    assignment.registry.change("agent.a", status=ParticipantStatus.FAILED)
    await assignment.reconcile(assignment.engine)
    for task_id in ("task.one", "task.two"):
        task = await assignment.task(task_id)
        assert (task.status, task.owner_id) == (TaskStatus.MIGRATING, "")
        assert task.handoff_id
    with pytest.raises(errors.StaleAssignment):
        await assignment.checkpoint(active)
    assert (await assignment.story("task.one"))[-2:] == ["HANDOFF_INITIATED", "TASK_MIGRATING"]


async def test_one_that_comes_back_keeps_its_tasks_and_resumes_them_under_a_new_epoch(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a", capacity=2)
    old = await assignment.active("task.one")
    assignment.registry.join("agent.a", capacity=2, status=ParticipantStatus.REGISTERED)
    await assignment.reconcile(assignment.engine)
    waiting = await assignment.task("task.one")
    assert (waiting.status, waiting.epoch) == (TaskStatus.ACTIVE, old.epoch)
    assert waiting.resume_due_at is not None
    with pytest.raises(errors.NotPermitted):
        await assignment.tasks.resume(assignment.agent("agent.a"), 1)
    resumed = await assignment.tasks.resume(assignment.agent("agent.a"), 2)
    (briefing,) = resumed.briefings
    assert briefing.task.epoch > old.epoch
    assert briefing.task.resume_due_at is None
    with pytest.raises(errors.StaleAssignment):
        await assignment.checkpoint(old)
    again = await assignment.tasks.resume(assignment.agent("agent.a"), 2)
    assert again.briefings[0].task.epoch == briefing.task.epoch
    assert again.receipts == ()


async def test_who_comes_back_and_does_not_resume_in_time_is_gone(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    await assignment.active("task.one")
    assignment.registry.join("agent.a", status=ParticipantStatus.REGISTERED)
    await assignment.reconcile(assignment.engine)
    assignment.clock.advance(61)
    await assignment.work()
    task = await assignment.task("task.one")
    assert (task.status, task.reason) == (TaskStatus.MIGRATING, "not_resumed")


async def test_a_source_that_comes_back_before_anybody_took_over_has_its_task_again(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    await assignment.active("task.one")
    assignment.registry.change("agent.a", status=ParticipantStatus.FAILED)
    await assignment.reconcile(assignment.engine)
    assignment.registry.join("agent.a")
    resumed = await assignment.tasks.resume(assignment.agent("agent.a"), 2)
    assert resumed.briefings[0].task.status is TaskStatus.ACTIVE
    assert (await assignment.story("task.one"))[-2:] == ["HANDOFF_ABORTED", "TASK_RESUMED"]


async def test_shrunk_grants_take_the_task_away(assignment: AssignmentService) -> None:
    assignment.registry.join("agent.a")
    await assignment.active("task.one")
    grants = Grants(frozenset({"duplicate_detection"}), frozenset({"customer_master"}))
    assignment.registry.change("agent.a", grants=grants)
    await assignment.reconcile(assignment.engine)
    task = await assignment.task("task.one")
    assert (task.status, task.reason) == (TaskStatus.MIGRATING, "unauthorized")
