"""Races with one right outcome each.

The order is steered: by barriers in the peers' answers, or by holding a row that both want and
seeing them wait. Never by time.
"""

import asyncio

import pytest

from assignment_svc.domain.declaration import TaskDeclaration
from assignment_svc.domain.gate import Gate
from assignment_svc.domain.states import RetirementMode, TaskStatus
from assignment_svc.usecases import act
from assignment_svc.usecases.assigned import Assigned
from assignment_svc.usecases.complete_task import Result
from assignment_svc.usecases.retire_participant import Leaving
from phoenix_runtime.core import errors
from phoenix_runtime.core.standing import ParticipantStatus, Standing
from phoenix_runtime.core.verdict import DecisionPoint, Grants
from tests.support.assignment_house import AssignmentHouse, declaration
from tests.support.peers_of_assignment import needs_human
from tests.support.row_locks import held, settled


async def test_two_tasks_race_for_one_seat_and_one_of_them_gets_it(
    runtime: AssignmentHouse,
) -> None:
    runtime.registry.join("agent.a")
    await runtime.submit("task.one")
    await runtime.submit("task.two")

    async def the_other_is_bound() -> None:
        await runtime.assign(runtime.engine, "task.two")

    # Policy has said yes for task.one; before that yes is used, the seat is taken.
    runtime.policy.before[DecisionPoint.ASSIGN] = the_other_is_bound
    with pytest.raises(errors.NoEligibleParticipant) as refusal:
        await runtime.assign(runtime.engine, "task.one")
    assert refusal.value.facts["agent.a"] == "capacity"
    assert (await runtime.task("task.two")).owner_id == "agent.a"
    assert (await runtime.task("task.one")).status is TaskStatus.PENDING


async def test_two_binds_wait_for_the_same_gate_and_one_of_them_finds_it_full(
    runtime: AssignmentHouse,
) -> None:
    runtime.registry.join("agent.a")
    done = await runtime.active("task.before")
    await runtime.tasks.complete(runtime.agent("agent.a"), Result("task.before", done.epoch, {}))
    await runtime.submit("task.one")
    await runtime.submit("task.two")
    gate = {"tenant": runtime.tenant, "participant_id": "agent.a"}
    async with held(runtime.admin_url, "assignment.gates", **gate) as row:
        first = asyncio.create_task(runtime.assign(runtime.engine, "task.one"))
        await row.waited_for_by(1)
        second = asyncio.create_task(runtime.assign(runtime.engine, "task.two"))
        await row.waited_for_by(2)
        await row.release()
        results = await settled(first, second)
    refused = [result for result in results if isinstance(result, errors.NoEligibleParticipant)]
    assert len(refused) == 1
    owners = [(await runtime.task(name)).owner_id for name in ("task.one", "task.two")]
    assert sorted(owners) == ["", "agent.a"]


async def test_a_gate_that_was_marked_between_the_judgement_and_the_bind_refuses_it(
    runtime: AssignmentHouse,
) -> None:
    runtime.registry.join("agent.a")
    await runtime.submit("task.one")

    async def it_retires() -> None:
        await runtime.handoffs.retire(
            runtime.operator, Leaving("agent.a", RetirementMode.IMMEDIATE)
        )

    runtime.policy.before[DecisionPoint.ASSIGN] = it_retires
    with pytest.raises(errors.NoEligibleParticipant) as refusal:
        await runtime.assign(runtime.engine, "task.one")
    assert refusal.value.facts["agent.a"] == "active"
    await runtime.work()
    assert runtime.registry.people["agent.a"].status is ParticipantStatus.RETIRED
    assert (await runtime.task("task.one")).status is TaskStatus.PENDING


async def test_a_retirement_that_finds_a_bind_first_moves_the_task(
    runtime: AssignmentHouse,
) -> None:
    runtime.registry.join("agent.a")
    runtime.registry.join("agent.b", cost=9.0)
    await runtime.submit("task.one")
    task = {"tenant": runtime.tenant, "task_id": "task.one"}
    async with held(runtime.admin_url, "assignment.tasks", **task) as row:
        bind = asyncio.create_task(runtime.assign(runtime.engine, "task.one"))
        await row.waited_for_by(1)
        await row.release()
        await settled(bind)
    await runtime.handoffs.retire(runtime.operator, Leaving("agent.a", RetirementMode.IMMEDIATE))
    await runtime.work()
    moved = await runtime.task("task.one")
    assert moved.status is TaskStatus.MIGRATING
    handoff = (await runtime.handoffs.get(runtime.operator, moved.handoff_id)).handoff
    assert handoff.offer is not None
    assert handoff.offer.target == "agent.b"
    assert runtime.registry.people["agent.a"].status is ParticipantStatus.RETIRED


async def test_a_bind_looks_again_where_the_gate_has_seen_a_newer_standing(
    runtime: AssignmentHouse,
) -> None:
    runtime.registry.join("agent.a")
    await runtime.submit("task.one")

    async def it_falls_and_the_gate_hears_of_it() -> None:
        runtime.registry.change("agent.a", status=ParticipantStatus.FAILED)
        await runtime.reconcile.participants(runtime.engine, ["agent.a"])

    runtime.policy.before[DecisionPoint.ASSIGN] = it_falls_and_the_gate_hears_of_it
    with pytest.raises(errors.NoEligibleParticipant) as refusal:
        await runtime.assign(runtime.engine, "task.one")
    assert refusal.value.facts["agent.a"] == "active"
    points = [point for point, _ in runtime.policy.asked]
    assert points.count(DecisionPoint.ASSIGN) == 1


async def test_a_newer_standing_that_is_open_is_looked_at_again_too(
    runtime: AssignmentHouse,
) -> None:
    runtime.registry.join("agent.a")
    await runtime.submit("task.one")

    async def its_grants_shrink() -> None:
        shrunk = Grants(frozenset({"duplicate_detection"}))
        runtime.registry.change("agent.a", grants=shrunk)
        await runtime.reconcile.participants(runtime.engine, ["agent.a"])

    runtime.policy.before[DecisionPoint.ASSIGN] = its_grants_shrink
    with pytest.raises(errors.NoEligibleParticipant) as refusal:
        await runtime.assign(runtime.engine, "task.one")
    assert refusal.value.facts["agent.a"] == "capability_match"


async def test_a_yes_that_is_older_than_five_seconds_is_not_used(runtime: AssignmentHouse) -> None:
    runtime.registry.join("agent.a")
    await runtime.submit("task.one")

    async def time_passes() -> None:
        runtime.clock.advance(5.5)

    runtime.policy.before[DecisionPoint.ASSIGN] = time_passes
    assigned = await runtime.assign(runtime.engine, "task.one")
    points = [point for point, _ in runtime.policy.asked]
    assert points.count(DecisionPoint.ASSIGN) == 2
    assert assigned.participant_id == "agent.a"


async def test_a_bind_that_hangs_in_its_middle_looks_again_instead_of_using_an_old_yes(
    runtime: AssignmentHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.registry.join("agent.a")
    await runtime.submit("task.one")
    admitted, hung = act.admitted, []

    def hangs_once(gate: Gate, standing: Standing, *, degraded_allowed: bool) -> Gate:
        if not hung:
            hung.append(True)
            runtime.clock.advance(6)
        return admitted(gate, standing, degraded_allowed=degraded_allowed)

    monkeypatch.setattr(act, "admitted", hangs_once)
    await runtime.assign(runtime.engine, "task.one")
    assert hung
    assert (await runtime.task("task.one")).owner_id == "agent.a"
    assert await runtime.findings() == ()


async def test_a_result_that_comes_after_its_owner_was_fenced_does_not_count(
    runtime: AssignmentHouse,
) -> None:
    runtime.registry.join("agent.a")
    task = await runtime.active("task.one")

    async def it_counts_as_dead() -> None:
        runtime.registry.change("agent.a", status=ParticipantStatus.FAILED)
        await runtime.reconcile(runtime.engine)

    runtime.policy.before[DecisionPoint.COMPLETE] = it_counts_as_dead
    with pytest.raises(errors.StaleAssignment):
        await runtime.tasks.complete(runtime.agent("agent.a"), Result("task.one", task.epoch, {}))
    assert (await runtime.task("task.one")).status is TaskStatus.MIGRATING


@pytest.mark.parametrize("first", ["complete", "migrate"])
async def test_completing_and_migrating_wait_for_one_row_and_the_first_decides(
    runtime: AssignmentHouse, first: str
) -> None:
    runtime.registry.join("agent.a")
    task = await runtime.active("task.one")

    async def complete() -> object:
        result = Result("task.one", task.epoch, {"n": 1})
        return await runtime.tasks.complete(runtime.agent("agent.a"), result)

    async def migrate() -> object:
        return await runtime.reconcile(runtime.engine)

    runtime.registry.change("agent.a", status=ParticipantStatus.FAILED)
    order = [complete, migrate] if first == "complete" else [migrate, complete]
    row_key = {"tenant": runtime.tenant, "task_id": "task.one"}
    async with held(runtime.admin_url, "assignment.tasks", **row_key) as row:
        racing = []
        for number, step in enumerate(order, start=1):
            racing.append(asyncio.create_task(step()))
            await row.waited_for_by(number)
        await row.release()
        results = await settled(*racing)
    ended = await runtime.task("task.one")
    if first == "complete":
        assert ended.status is TaskStatus.SUCCEEDED
        assert not [result for result in results if isinstance(result, Exception)]
    else:
        assert ended.status is TaskStatus.MIGRATING
        assert isinstance(results[1], errors.StaleAssignment)


async def test_a_zombies_checkpoint_after_the_rebind_is_refused(runtime: AssignmentHouse) -> None:
    runtime.registry.join("agent.a")
    old = await runtime.active("task.one")
    await runtime.checkpoint(old)
    runtime.registry.change("agent.a", status=ParticipantStatus.FAILED)
    runtime.registry.join("agent.b")
    await runtime.reconcile(runtime.engine)
    await runtime.work()
    offered = await runtime.task("task.one")
    handoff = (await runtime.handoffs.get(runtime.operator, offered.handoff_id)).handoff
    assert handoff.offer is not None
    row_key = {"tenant": runtime.tenant, "task_id": "task.one"}
    async with held(runtime.admin_url, "assignment.tasks", **row_key) as row:
        taking = asyncio.create_task(runtime.take_over(handoff, "agent.b"))
        await row.waited_for_by(1)
        zombie = asyncio.create_task(runtime.checkpoint(old, 1, content="from the grave"))
        await row.waited_for_by(2)
        await row.release()
        taken, refused = await settled(taking, zombie)
    assert not isinstance(taken, Exception)
    assert isinstance(refused, errors.StaleAssignment)
    now = await runtime.task("task.one")
    assert (now.owner_id, now.status) == ("agent.b", TaskStatus.ACTIVE)
    assert now.pointer is not None
    assert now.pointer.version == 1


async def test_two_submissions_of_one_id_make_one_task(runtime: AssignmentHouse) -> None:
    async def the_other_is_quicker() -> None:
        await runtime.tasks.submit(runtime.submitter, declaration("task.one"))

    runtime.policy.before[DecisionPoint.SUBMIT] = the_other_is_quicker
    second = await runtime.tasks.submit(runtime.submitter, declaration("task.one"))
    assert not second.created
    assert await runtime.story("task.one") == ["TASK_SUBMITTED"]


async def test_a_child_that_arrives_while_its_parent_ends_is_refused_or_ends_with_it(
    runtime: AssignmentHouse,
) -> None:
    runtime.registry.join("agent.a")
    parent = await runtime.active("task.parent")
    child = declaration("task.child", parent_task_id="task.parent", parent_epoch=parent.epoch)

    async def the_parent_ends() -> None:
        await runtime.tasks.complete(
            runtime.agent("agent.a"), Result("task.parent", parent.epoch, {})
        )

    runtime.policy.before[DecisionPoint.SUBMIT] = the_parent_ends
    with pytest.raises(errors.StaleAssignment):
        await runtime.tasks.submit(runtime.agent("agent.a"), child)
    with pytest.raises(errors.NotFound):
        await runtime.task("task.child")


async def test_the_queue_and_a_caller_assign_the_same_task_once(runtime: AssignmentHouse) -> None:
    runtime.registry.join("agent.a", capacity=2)
    await runtime.submit("task.one")

    async def the_queue_is_quicker() -> None:
        await runtime.tend(runtime.engine, "task.one")

    runtime.policy.before[DecisionPoint.ASSIGN] = the_queue_is_quicker
    assigned = await runtime.assign(runtime.submitter, "task.one")
    assert assigned.task.epoch == 1
    assert (await runtime.story("task.one")).count("ASSIGNMENT_CREATED") == 1


async def test_two_ends_of_one_participant_release_its_seats_once_each(
    runtime: AssignmentHouse,
) -> None:
    runtime.registry.join("agent.a", capacity=2)
    one = await runtime.active("task.one")
    two = await runtime.active("task.two")
    gate = {"tenant": runtime.tenant, "participant_id": "agent.a"}
    async with held(runtime.admin_url, "assignment.gates", **gate) as row:
        ends = []
        for number, task in enumerate((one, two), start=1):
            result = Result(task.task_id, task.epoch, {"n": number})
            done = runtime.tasks.complete(runtime.agent("agent.a"), result)
            ends.append(asyncio.create_task(done))
            await row.waited_for_by(number)
        await row.release()
        results = await settled(*ends)
    assert not [result for result in results if isinstance(result, Exception)]
    (seen,) = [g for g in (await runtime.evidence()).gates if g.participant_id == "agent.a"]
    assert seen.used == 0


async def test_a_question_whose_target_falls_while_it_is_asked_is_withdrawn(
    runtime: AssignmentHouse,
) -> None:
    runtime.registry.join("agent.a")
    runtime.policy.answer = needs_human(DecisionPoint.ASSIGN)
    await runtime.submit("task.one")

    async def the_target_falls() -> None:
        runtime.registry.change("agent.a", status=ParticipantStatus.FAILED)
        await runtime.reconcile.participants(runtime.engine, ["agent.a"])

    runtime.approvals.before["request"] = the_target_falls
    with pytest.raises(errors.NoEligibleParticipant):
        await runtime.assign(runtime.engine, "task.one")
    assert [answer.state for answer in runtime.approvals.answers.values()] == ["cancelled"]
    assert (await runtime.task("task.one")).status is TaskStatus.PENDING


async def test_a_source_that_returns_is_judged_anew_where_its_yes_grew_old(
    runtime: AssignmentHouse,
) -> None:
    runtime.registry.join("agent.a")
    await runtime.active("task.one")
    runtime.registry.change("agent.a", status=ParticipantStatus.FAILED)
    await runtime.reconcile(runtime.engine)
    runtime.registry.join("agent.a")
    runtime.policy.asked.clear()

    async def time_passes() -> None:
        runtime.clock.advance(5.5)

    runtime.policy.before[DecisionPoint.ASSIGN] = time_passes
    resumed = await runtime.tasks.resume(runtime.agent("agent.a"), 2)
    assert len(resumed.briefings) == 1
    assert [point for point, _ in runtime.policy.asked] == [DecisionPoint.ASSIGN] * 2


async def test_of_many_that_ask_for_one_task_one_searches_and_all_are_answered(
    runtime: AssignmentHouse,
) -> None:
    runtime.registry.join("agent.a")
    runtime.registry.join("agent.b")
    racing = (runtime.tasks.assign(runtime.submitter, declaration("task.one")) for _ in range(20))
    answers = await asyncio.gather(*racing)
    assert len({answer.assignment_id for answer in answers}) == 1
    points = [point for point, _ in runtime.policy.asked]
    assert points.count(DecisionPoint.SUBMIT) == 1
    assert points.count(DecisionPoint.ASSIGN) == 1


async def test_who_races_for_a_task_with_another_declaration_is_refused_as_ever(
    runtime: AssignmentHouse,
) -> None:
    runtime.registry.join("agent.a")
    first = runtime.tasks.assign(runtime.submitter, declaration("task.one"))
    other = runtime.tasks.assign(runtime.submitter, declaration("task.one", objective="Another"))
    alone = runtime.tasks.assign(runtime.submitter, TaskDeclaration(task_id="task.one"))
    answers = await asyncio.gather(first, other, alone, return_exceptions=True)
    assert isinstance(answers[1], errors.AlreadyExists)
    assert isinstance(answers[0], Assigned)
    assert isinstance(answers[2], Assigned)
    assert answers[0].assignment_id == answers[2].assignment_id
