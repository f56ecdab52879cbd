"""Owners that fail, come back, or lose the grants that their tasks need; which of it is a loss."""

from collections.abc import Awaitable, Callable

import pytest

from assignment_svc.domain.declaration import TaskDeclaration
from assignment_svc.domain.states import RetirementMode, TaskStatus
from assignment_svc.domain.task import Task
from assignment_svc.usecases.handoff.initiate_handoff import HandoffRequest
from assignment_svc.usecases.membership.retire_participant import RetirementRequest
from phoenix_runtime.core import errors
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.standing import ParticipantStatus
from phoenix_runtime.core.verdict import Grants
from tests.support.servers.assignment_service import AssignmentService, declaration

FLEET = ("agent.a", "agent.b", "agent.c", "agent.d", "agent.e")


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


async def lose(assignment: AssignmentService, name: str) -> None:
    """The lease of ``name`` expires, and assignment hears of it."""
    assignment.registry.change(name, status=ParticipantStatus.FAILED)
    await assignment.reconcile(assignment.engine)


async def restart(assignment: AssignmentService, name: str) -> None:
    """The process of ``name`` is gone, and the next one registers before the lease expires."""
    assignment.registry.join(name, status=ParticipantStatus.REGISTERED)
    await assignment.reconcile(assignment.engine)


async def next_owner(assignment: AssignmentService, task_id: str) -> Task:
    """Somebody takes over a task that has lost its owner."""
    await assignment.work()
    waiting = await assignment.task(task_id)
    found = (await assignment.handoffs.get(assignment.operator, waiting.handoff_id)).handoff
    assert found.offer is not None
    await assignment.take_over(found, found.offer.target)
    return await assignment.task(task_id)


async def last_event(assignment: AssignmentService, task_id: str) -> AuditEvent:
    """The newest event of a task."""
    events = [e for e in (await assignment.evidence()).events if e.task == task_id]
    return max(events, key=lambda event: event.aggregate_version)


async def test_a_task_that_takes_its_owners_fails_after_three_and_spares_the_others(
    assignment: AssignmentService,
) -> None:
    for name in FLEET:
        assignment.registry.join(name)
    task = await assignment.active("task.poison", max_attempts=2)
    taken = [task.owner_id]
    for count in (1, 2):
        await lose(assignment, task.owner_id)
        task = await next_owner(assignment, "task.poison")
        assert (task.losses, task.lost_owners) == (count, tuple(taken))
        taken.append(task.owner_id)
    await lose(assignment, task.owner_id)
    task = await assignment.task("task.poison")
    assert (task.status, task.reason, task.handoff_id) == (TaskStatus.FAILED, "owners_lost", "")
    assert task.lost_owners == tuple(taken)
    assert len(set(taken)) == 3
    await assignment.work()
    last = await last_event(assignment, "task.poison")
    assert (last.type, last.reason_code) == ("TASK_FAILED", "owners_lost")
    assert last.detail["lost_owners"] == taken
    assert all(name in str(last.detail["why"]) for name in taken)


async def test_a_process_that_is_restarted_again_and_again_is_lost_each_time(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    task = await assignment.active("task.poison", max_losses=2)
    await restart(assignment, "agent.a")
    (briefing,) = (await assignment.tasks.resume(assignment.agent("agent.a"), 2)).briefings
    assert (briefing.task.losses, briefing.task.status) == (1, TaskStatus.ACTIVE)
    again = await assignment.tasks.resume(assignment.agent("agent.a"), 2)
    assert again.briefings[0].task.losses == 1
    await restart(assignment, "agent.a")
    ended = await assignment.tasks.resume(assignment.agent("agent.a"), 3)
    assert ended.briefings == ()
    assert len(ended.receipts) == 1
    task = await assignment.task("task.poison")
    assert (task.status, task.reason) == (TaskStatus.FAILED, "owners_lost")
    assert (task.losses, task.lost_owners) == (2, ("agent.a",))


async def test_who_comes_back_and_does_not_resume_is_lost_once(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    await assignment.active("task.one", max_losses=1)
    await restart(assignment, "agent.a")
    assignment.clock.advance(61)
    await assignment.work()
    task = await assignment.task("task.one")
    assert (task.status, task.reason, task.losses) == (TaskStatus.FAILED, "owners_lost", 1)


async def test_a_source_that_falls_silent_and_comes_back_is_lost_once_each_time(
    assignment: AssignmentService,
) -> None:
    """The blocked form: the process lives, its lease does not."""
    assignment.registry.join("agent.a")
    await assignment.active("task.one")
    for generation in (2, 3):
        await lose(assignment, "agent.a")
        assignment.registry.join("agent.a")
        resumed = await assignment.tasks.resume(assignment.agent("agent.a"), generation)
        assert resumed.briefings[0].task.losses == generation - 1
    await lose(assignment, "agent.a")
    assert (await assignment.task("task.one")).reason == "owners_lost"


async def test_the_last_loss_aborts_the_open_handoff_and_cancels_the_children(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    parent = await assignment.active("task.one", max_losses=1)
    declared = declaration("task.child", parent_task_id="task.one", parent_epoch=parent.epoch)
    await assignment.tasks.submit(assignment.agent("agent.a"), declared)
    asked = HandoffRequest("task.one", "agent.a", "requested")
    await assignment.handoffs.initiate(assignment.operator, asked)
    await lose(assignment, "agent.a")
    assert (await assignment.story("task.one"))[-2:] == ["HANDOFF_ABORTED", "TASK_FAILED"]
    child = await assignment.task("task.child")
    assert (child.status, child.reason) == (TaskStatus.CANCELLED, "parent_ended")


async def suspended(assignment: AssignmentService) -> None:
    assignment.registry.change("agent.a", status=ParticipantStatus.SUSPENDED)
    await assignment.reconcile(assignment.engine)


async def left(assignment: AssignmentService) -> None:
    assignment.registry.change(
        "agent.a", status=ParticipantStatus.FAILED, status_reason="participant_left"
    )
    await assignment.reconcile(assignment.engine)


async def retired(assignment: AssignmentService) -> None:
    request = RetirementRequest("agent.a", RetirementMode.IMMEDIATE)
    await assignment.handoffs.retire(assignment.operator, request)
    await assignment.work()


async def lost_its_grants(assignment: AssignmentService) -> None:
    assignment.registry.change("agent.a", grants=Grants())
    await assignment.reconcile(assignment.engine)


async def died_after_it_was_fenced_for_a_requested_handoff(assignment: AssignmentService) -> None:
    asked = HandoffRequest("task.one", "agent.a", "requested")
    await assignment.handoffs.initiate(assignment.operator, asked)
    assignment.registry.join("agent.b")
    await assignment.checkpoint(await assignment.task("task.one"))
    await assignment.work()
    await lose(assignment, "agent.a")


async def only_reconnected(assignment: AssignmentService) -> None:
    """The control plane was restarted: the same process resumes under the same generation."""
    await assignment.tasks.resume(assignment.agent("agent.a"), 1)


NOT_COUNTED = (
    suspended,
    left,
    retired,
    lost_its_grants,
    died_after_it_was_fenced_for_a_requested_handoff,
    only_reconnected,
)


@pytest.mark.parametrize("ends", NOT_COUNTED, ids=lambda one: one.__name__)
async def test_what_is_not_the_tasks_fault_is_no_loss(
    assignment: AssignmentService, ends: Callable[[AssignmentService], Awaitable[None]]
) -> None:
    assignment.registry.join("agent.a")
    await assignment.active("task.one", max_losses=1)
    await ends(assignment)
    task = await assignment.task("task.one")
    assert (task.ended, task.losses, task.lost_owners) == (False, 0, ())


async def test_an_owner_that_dies_before_it_has_started_is_no_loss(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    await assignment.bound("task.one", max_losses=1)
    await lose(assignment, "agent.a")
    task = await assignment.task("task.one")
    assert (task.status, task.losses) == (TaskStatus.MIGRATING, 0)


async def test_without_limit_a_task_outlives_any_number_of_owners(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    await assignment.active("task.one", max_losses=0)
    for generation in range(2, 7):
        await restart(assignment, "agent.a")
        await assignment.tasks.resume(assignment.agent("agent.a"), generation)
    task = await assignment.task("task.one")
    assert (task.status, task.losses, task.lost_owners) == (TaskStatus.ACTIVE, 5, ("agent.a",))


async def test_an_explanation_says_whom_the_task_took(assignment: AssignmentService) -> None:
    assignment.registry.join("agent.a")
    await assignment.active("task.one")
    await lose(assignment, "agent.a")
    assignment.registry.join("agent.b")
    explained = await assignment.tasks.explain(
        assignment.operator, TaskDeclaration(task_id="task.one")
    )
    assert "It lost 1 owner of at most 3 while it was active: agent.a." in explained.explanation
