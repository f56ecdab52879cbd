"""Races for one task, with one right outcome each; steered as in `test_bind_races`."""

import asyncio

import pytest

from assignment_svc.domain.declaration import TaskDeclaration
from assignment_svc.domain.states import TaskStatus
from assignment_svc.usecases.assignment.assigned import Assigned
from assignment_svc.usecases.tasks.complete_task import TaskResult
from phoenix_runtime.core import errors
from phoenix_runtime.core.standing import ParticipantStatus
from phoenix_runtime.core.verdict import DecisionPoint
from tests.support.servers.assignment_service import AssignmentService, declaration
from tests.support.waiting.row_locks import held, settled


async def test_a_result_that_comes_after_its_owner_was_fenced_does_not_count(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")

    async def it_counts_as_dead() -> None:
        assignment.registry.change("agent.a", status=ParticipantStatus.FAILED)
        await assignment.reconcile(assignment.engine)

    assignment.policy.before[DecisionPoint.COMPLETE] = it_counts_as_dead
    with pytest.raises(errors.StaleAssignment):
        await assignment.tasks.complete(
            assignment.agent("agent.a"), TaskResult("task.one", task.epoch, {})
        )
    assert (await assignment.task("task.one")).status is TaskStatus.MIGRATING


@pytest.mark.parametrize("first", ["complete", "migrate"])
async def test_completing_and_migrating_wait_for_one_row_and_the_first_decides(
    assignment: AssignmentService, first: str
) -> None:
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")

    async def complete() -> object:
        result = TaskResult("task.one", task.epoch, {"n": 1})
        return await assignment.tasks.complete(assignment.agent("agent.a"), result)

    async def migrate() -> object:
        return await assignment.reconcile(assignment.engine)

    assignment.registry.change("agent.a", status=ParticipantStatus.FAILED)
    order = [complete, migrate] if first == "complete" else [migrate, complete]
    row_key = {"tenant": assignment.tenant, "task_id": "task.one"}
    async with held(assignment.admin_url, "assignment.tasks", **row_key) as row:
        racing = []
        for number, step in enumerate(order, start=1):
            racing.append(asyncio.create_task(step()))
            await row.waited_for_by(number)
        await row.release()
        results = await settled(*racing)
    ended = await assignment.task("task.one")
    if first == "complete":
        assert ended.status is TaskStatus.SUCCEEDED
        assert not [result for result in results if isinstance(result, Exception)]
    else:
        assert ended.status is TaskStatus.MIGRATING
        assert isinstance(results[1], errors.StaleAssignment)


async def test_a_task_that_is_taken_away_while_its_owner_resumes_is_given_back(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    assignment.registry.change("agent.a", status=ParticipantStatus.FAILED)
    row_key = {"tenant": assignment.tenant, "task_id": "task.one"}
    async with held(assignment.admin_url, "assignment.tasks", **row_key) as row:
        migrating = asyncio.create_task(assignment.reconcile(assignment.engine))
        await row.waited_for_by(1)
        assignment.registry.join("agent.a")
        resuming = asyncio.create_task(assignment.tasks.resume(assignment.agent("agent.a"), 2))
        await row.waited_for_by(2)
        await row.release()
        await migrating
        resumed = await resuming
    assert [one.task.task_id for one in resumed.briefings] == ["task.one"]
    now = await assignment.task("task.one")
    assert (now.status, now.owner_id) == (TaskStatus.ACTIVE, "agent.a")
    assert now.epoch > task.epoch
    assert not now.handoff_id


async def test_a_zombies_checkpoint_after_the_rebind_is_refused(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    old = await assignment.active("task.one")
    await assignment.checkpoint(old)
    assignment.registry.change("agent.a", status=ParticipantStatus.FAILED)
    assignment.registry.join("agent.b")
    await assignment.reconcile(assignment.engine)
    await assignment.work()
    offered = await assignment.task("task.one")
    handoff = (await assignment.handoffs.get(assignment.operator, offered.handoff_id)).handoff
    assert handoff.offer is not None
    row_key = {"tenant": assignment.tenant, "task_id": "task.one"}
    async with held(assignment.admin_url, "assignment.tasks", **row_key) as row:
        taking = asyncio.create_task(assignment.take_over(handoff, "agent.b"))
        await row.waited_for_by(1)
        zombie = asyncio.create_task(assignment.checkpoint(old, 1, content="from the grave"))
        await row.waited_for_by(2)
        await row.release()
        taken, refused = await settled(taking, zombie)
    assert not isinstance(taken, Exception)
    assert isinstance(refused, errors.StaleAssignment)
    now = await assignment.task("task.one")
    assert (now.owner_id, now.status) == ("agent.b", TaskStatus.ACTIVE)
    assert now.pointer is not None
    assert now.pointer.version == 1


async def test_two_submissions_of_one_id_make_one_task(assignment: AssignmentService) -> None:
    async def the_other_is_quicker() -> None:
        await assignment.tasks.submit(assignment.submitter, declaration("task.one"))

    assignment.policy.before[DecisionPoint.SUBMIT] = the_other_is_quicker
    second = await assignment.tasks.submit(assignment.submitter, declaration("task.one"))
    assert not second.created
    assert await assignment.story("task.one") == ["TASK_SUBMITTED"]


async def test_a_child_that_arrives_while_its_parent_ends_is_refused_or_ends_with_it(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    parent = await assignment.active("task.parent")
    child = declaration("task.child", parent_task_id="task.parent", parent_epoch=parent.epoch)

    async def the_parent_ends() -> None:
        await assignment.tasks.complete(
            assignment.agent("agent.a"), TaskResult("task.parent", parent.epoch, {})
        )

    assignment.policy.before[DecisionPoint.SUBMIT] = the_parent_ends
    with pytest.raises(errors.StaleAssignment):
        await assignment.tasks.submit(assignment.agent("agent.a"), child)
    with pytest.raises(errors.NotFound):
        await assignment.task("task.child")


async def test_two_ends_of_one_participant_release_its_seats_once_each(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a", capacity=2)
    one = await assignment.active("task.one")
    two = await assignment.active("task.two")
    gate = {"tenant": assignment.tenant, "participant_id": "agent.a"}
    async with held(assignment.admin_url, "assignment.gates", **gate) as row:
        ends = []
        for number, task in enumerate((one, two), start=1):
            result = TaskResult(task.task_id, task.epoch, {"n": number})
            done = assignment.tasks.complete(assignment.agent("agent.a"), result)
            ends.append(asyncio.create_task(done))
            await row.waited_for_by(number)
        await row.release()
        results = await settled(*ends)
    assert not [result for result in results if isinstance(result, Exception)]
    (seen,) = [g for g in (await assignment.evidence()).gates if g.participant_id == "agent.a"]
    assert seen.used == 0


async def test_of_many_that_ask_for_one_task_one_searches_and_all_are_answered(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    assignment.registry.join("agent.b")
    racing = (
        assignment.tasks.assign(assignment.submitter, declaration("task.one")) for _ in range(20)
    )
    answers = await asyncio.gather(*racing)
    assert len({answer.assignment_id for answer in answers}) == 1
    points = [point for point, _ in assignment.policy.asked]
    assert points.count(DecisionPoint.SUBMIT) == 1
    assert points.count(DecisionPoint.ASSIGN) == 1


async def test_who_races_for_a_task_with_another_declaration_is_refused_as_ever(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    first = assignment.tasks.assign(assignment.submitter, declaration("task.one"))
    other = assignment.tasks.assign(
        assignment.submitter, declaration("task.one", objective="Another")
    )
    alone = assignment.tasks.assign(assignment.submitter, TaskDeclaration(task_id="task.one"))
    answers = await asyncio.gather(first, other, alone, return_exceptions=True)
    assert isinstance(answers[1], errors.AlreadyExists)
    assert isinstance(answers[0], Assigned)
    assert isinstance(answers[2], Assigned)
    assert answers[0].assignment_id == answers[2].assignment_id
