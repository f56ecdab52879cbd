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


async def test_two_tasks_race_for_one_seat_and_one_of_them_gets_it(house: AssignmentHouse) -> None:
    house.registry.join("agent.a")
    await house.submit("task.one")
    await house.submit("task.two")

    async def the_other_is_bound() -> None:
        await house.assign(house.engine, "task.two")

    # Policy has said yes for task.one; before that yes is used, the seat is taken.
    house.policy.before[DecisionPoint.ASSIGN] = the_other_is_bound
    with pytest.raises(errors.NoEligibleParticipant) as refusal:
        await house.assign(house.engine, "task.one")
    assert refusal.value.facts["agent.a"] == "capacity"
    assert (await house.task("task.two")).owner_id == "agent.a"
    assert (await house.task("task.one")).status is TaskStatus.PENDING


async def test_two_binds_wait_for_the_same_gate_and_one_of_them_finds_it_full(
    house: AssignmentHouse,
) -> None:
    house.registry.join("agent.a")
    done = await house.active("task.before")
    await house.tasks.complete(house.agent("agent.a"), Result("task.before", done.epoch, {}))
    await house.submit("task.one")
    await house.submit("task.two")
    gate = {"tenant": house.tenant, "participant_id": "agent.a"}
    async with held(house.admin_url, "assignment.gates", **gate) as row:
        first = asyncio.create_task(house.assign(house.engine, "task.one"))
        await row.waited_for_by(1)
        second = asyncio.create_task(house.assign(house.engine, "task.two"))
        await row.waited_for_by(2)
        await row.release()
        results = await settled(first, second)
    refused = [result for result in results if isinstance(result, errors.NoEligibleParticipant)]
    assert len(refused) == 1
    owners = [(await house.task(name)).owner_id for name in ("task.one", "task.two")]
    assert sorted(owners) == ["", "agent.a"]


async def test_a_gate_that_was_marked_between_the_judgement_and_the_bind_refuses_it(
    house: AssignmentHouse,
) -> None:
    house.registry.join("agent.a")
    await house.submit("task.one")

    async def it_retires() -> None:
        await house.handoffs.retire(house.operator, Leaving("agent.a", RetirementMode.IMMEDIATE))

    house.policy.before[DecisionPoint.ASSIGN] = it_retires
    with pytest.raises(errors.NoEligibleParticipant) as refusal:
        await house.assign(house.engine, "task.one")
    assert refusal.value.facts["agent.a"] == "active"
    await house.work()
    assert house.registry.people["agent.a"].status is ParticipantStatus.RETIRED
    assert (await house.task("task.one")).status is TaskStatus.PENDING


async def test_a_retirement_that_finds_a_bind_first_moves_the_task(house: AssignmentHouse) -> None:
    house.registry.join("agent.a")
    house.registry.join("agent.b", cost=9.0)
    await house.submit("task.one")
    task = {"tenant": house.tenant, "task_id": "task.one"}
    async with held(house.admin_url, "assignment.tasks", **task) as row:
        bind = asyncio.create_task(house.assign(house.engine, "task.one"))
        await row.waited_for_by(1)
        await row.release()
        await settled(bind)
    await house.handoffs.retire(house.operator, Leaving("agent.a", RetirementMode.IMMEDIATE))
    await house.work()
    moved = await house.task("task.one")
    assert moved.status is TaskStatus.MIGRATING
    handoff = (await house.handoffs.get(house.operator, moved.handoff_id)).handoff
    assert handoff.offer is not None
    assert handoff.offer.target == "agent.b"
    assert house.registry.people["agent.a"].status is ParticipantStatus.RETIRED


async def test_a_bind_looks_again_where_the_gate_has_seen_a_newer_standing(
    house: AssignmentHouse,
) -> None:
    house.registry.join("agent.a")
    await house.submit("task.one")

    async def it_falls_and_the_gate_hears_of_it() -> None:
        house.registry.change("agent.a", status=ParticipantStatus.FAILED)
        await house.reconcile.participants(house.engine, ["agent.a"])

    house.policy.before[DecisionPoint.ASSIGN] = it_falls_and_the_gate_hears_of_it
    with pytest.raises(errors.NoEligibleParticipant) as refusal:
        await house.assign(house.engine, "task.one")
    assert refusal.value.facts["agent.a"] == "active"
    points = [point for point, _ in house.policy.asked]
    assert points.count(DecisionPoint.ASSIGN) == 1


async def test_a_newer_standing_that_is_open_is_looked_at_again_too(
    house: AssignmentHouse,
) -> None:
    house.registry.join("agent.a")
    await house.submit("task.one")

    async def its_grants_shrink() -> None:
        shrunk = Grants(frozenset({"duplicate_detection"}))
        house.registry.change("agent.a", grants=shrunk)
        await house.reconcile.participants(house.engine, ["agent.a"])

    house.policy.before[DecisionPoint.ASSIGN] = its_grants_shrink
    with pytest.raises(errors.NoEligibleParticipant) as refusal:
        await house.assign(house.engine, "task.one")
    assert refusal.value.facts["agent.a"] == "capability_match"


async def test_a_yes_that_is_older_than_five_seconds_is_not_used(house: AssignmentHouse) -> None:
    house.registry.join("agent.a")
    await house.submit("task.one")

    async def time_passes() -> None:
        house.clock.advance(5.5)

    house.policy.before[DecisionPoint.ASSIGN] = time_passes
    assigned = await house.assign(house.engine, "task.one")
    points = [point for point, _ in house.policy.asked]
    assert points.count(DecisionPoint.ASSIGN) == 2
    assert assigned.participant_id == "agent.a"


async def test_a_bind_that_hangs_in_its_middle_looks_again_instead_of_using_an_old_yes(
    house: AssignmentHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.registry.join("agent.a")
    await house.submit("task.one")
    admitted, hung = act.admitted, []

    def hangs_once(gate: Gate, standing: Standing, *, degraded_allowed: bool) -> Gate:
        if not hung:
            hung.append(True)
            house.clock.advance(6)
        return admitted(gate, standing, degraded_allowed=degraded_allowed)

    monkeypatch.setattr(act, "admitted", hangs_once)
    await house.assign(house.engine, "task.one")
    assert hung
    assert (await house.task("task.one")).owner_id == "agent.a"
    assert await house.findings() == ()


async def test_a_result_that_comes_after_its_owner_was_fenced_does_not_count(
    house: AssignmentHouse,
) -> None:
    house.registry.join("agent.a")
    task = await house.active("task.one")

    async def it_counts_as_dead() -> None:
        house.registry.change("agent.a", status=ParticipantStatus.FAILED)
        await house.reconcile(house.engine)

    house.policy.before[DecisionPoint.COMPLETE] = it_counts_as_dead
    with pytest.raises(errors.StaleAssignment):
        await house.tasks.complete(house.agent("agent.a"), Result("task.one", task.epoch, {}))
    assert (await house.task("task.one")).status is TaskStatus.MIGRATING


@pytest.mark.parametrize("first", ["complete", "migrate"])
async def test_completing_and_migrating_wait_for_one_row_and_the_first_decides(
    house: AssignmentHouse, first: str
) -> None:
    house.registry.join("agent.a")
    task = await house.active("task.one")

    async def complete() -> object:
        result = Result("task.one", task.epoch, {"n": 1})
        return await house.tasks.complete(house.agent("agent.a"), result)

    async def migrate() -> object:
        return await house.reconcile(house.engine)

    house.registry.change("agent.a", status=ParticipantStatus.FAILED)
    order = [complete, migrate] if first == "complete" else [migrate, complete]
    row_key = {"tenant": house.tenant, "task_id": "task.one"}
    async with held(house.admin_url, "assignment.tasks", **row_key) as row:
        racing = []
        for number, step in enumerate(order, start=1):
            racing.append(asyncio.create_task(step()))
            await row.waited_for_by(number)
        await row.release()
        results = await settled(*racing)
    ended = await house.task("task.one")
    if first == "complete":
        assert ended.status is TaskStatus.SUCCEEDED
        assert not [result for result in results if isinstance(result, Exception)]
    else:
        assert ended.status is TaskStatus.MIGRATING
        assert isinstance(results[1], errors.StaleAssignment)


async def test_a_zombies_checkpoint_after_the_rebind_is_refused(house: AssignmentHouse) -> None:
    house.registry.join("agent.a")
    old = await house.active("task.one")
    await house.checkpoint(old)
    house.registry.change("agent.a", status=ParticipantStatus.FAILED)
    house.registry.join("agent.b")
    await house.reconcile(house.engine)
    await house.work()
    offered = await house.task("task.one")
    handoff = (await house.handoffs.get(house.operator, offered.handoff_id)).handoff
    assert handoff.offer is not None
    row_key = {"tenant": house.tenant, "task_id": "task.one"}
    async with held(house.admin_url, "assignment.tasks", **row_key) as row:
        taking = asyncio.create_task(house.take_over(handoff, "agent.b"))
        await row.waited_for_by(1)
        zombie = asyncio.create_task(house.checkpoint(old, 1, content="from the grave"))
        await row.waited_for_by(2)
        await row.release()
        taken, refused = await settled(taking, zombie)
    assert not isinstance(taken, Exception)
    assert isinstance(refused, errors.StaleAssignment)
    now = await house.task("task.one")
    assert (now.owner_id, now.status) == ("agent.b", TaskStatus.ACTIVE)
    assert now.pointer is not None
    assert now.pointer.version == 1


async def test_two_submissions_of_one_id_make_one_task(house: AssignmentHouse) -> None:
    async def the_other_is_quicker() -> None:
        await house.tasks.submit(house.submitter, declaration("task.one"))

    house.policy.before[DecisionPoint.SUBMIT] = the_other_is_quicker
    second = await house.tasks.submit(house.submitter, declaration("task.one"))
    assert not second.created
    assert await house.story("task.one") == ["TASK_SUBMITTED"]


async def test_a_child_that_arrives_while_its_parent_ends_is_refused_or_ends_with_it(
    house: AssignmentHouse,
) -> None:
    house.registry.join("agent.a")
    parent = await house.active("task.parent")
    child = declaration("task.child", parent_task_id="task.parent", parent_epoch=parent.epoch)

    async def the_parent_ends() -> None:
        await house.tasks.complete(house.agent("agent.a"), Result("task.parent", parent.epoch, {}))

    house.policy.before[DecisionPoint.SUBMIT] = the_parent_ends
    with pytest.raises(errors.StaleAssignment):
        await house.tasks.submit(house.agent("agent.a"), child)
    with pytest.raises(errors.NotFound):
        await house.task("task.child")


async def test_the_queue_and_a_caller_assign_the_same_task_once(house: AssignmentHouse) -> None:
    house.registry.join("agent.a", capacity=2)
    await house.submit("task.one")

    async def the_queue_is_quicker() -> None:
        await house.tend(house.engine, "task.one")

    house.policy.before[DecisionPoint.ASSIGN] = the_queue_is_quicker
    assigned = await house.assign(house.submitter, "task.one")
    assert assigned.task.epoch == 1
    assert (await house.story("task.one")).count("ASSIGNMENT_CREATED") == 1


async def test_two_ends_of_one_participant_release_its_seats_once_each(
    house: AssignmentHouse,
) -> None:
    house.registry.join("agent.a", capacity=2)
    one = await house.active("task.one")
    two = await house.active("task.two")
    gate = {"tenant": house.tenant, "participant_id": "agent.a"}
    async with held(house.admin_url, "assignment.gates", **gate) as row:
        ends = []
        for number, task in enumerate((one, two), start=1):
            result = Result(task.task_id, task.epoch, {"n": number})
            done = house.tasks.complete(house.agent("agent.a"), result)
            ends.append(asyncio.create_task(done))
            await row.waited_for_by(number)
        await row.release()
        results = await settled(*ends)
    assert not [result for result in results if isinstance(result, Exception)]
    (seen,) = [g for g in (await house.evidence()).gates if g.participant_id == "agent.a"]
    assert seen.used == 0


async def test_a_question_whose_target_falls_while_it_is_asked_is_withdrawn(
    house: AssignmentHouse,
) -> None:
    house.registry.join("agent.a")
    house.policy.answer = needs_human(DecisionPoint.ASSIGN)
    await house.submit("task.one")

    async def the_target_falls() -> None:
        house.registry.change("agent.a", status=ParticipantStatus.FAILED)
        await house.reconcile.participants(house.engine, ["agent.a"])

    house.approvals.before["request"] = the_target_falls
    with pytest.raises(errors.NoEligibleParticipant):
        await house.assign(house.engine, "task.one")
    assert [answer.state for answer in house.approvals.answers.values()] == ["cancelled"]
    assert (await house.task("task.one")).status is TaskStatus.PENDING


async def test_a_source_that_returns_is_judged_anew_where_its_yes_grew_old(
    house: AssignmentHouse,
) -> None:
    house.registry.join("agent.a")
    await house.active("task.one")
    house.registry.change("agent.a", status=ParticipantStatus.FAILED)
    await house.reconcile(house.engine)
    house.registry.join("agent.a")
    house.policy.asked.clear()

    async def time_passes() -> None:
        house.clock.advance(5.5)

    house.policy.before[DecisionPoint.ASSIGN] = time_passes
    resumed = await house.tasks.resume(house.agent("agent.a"), 2)
    assert len(resumed.briefings) == 1
    assert [point for point, _ in house.policy.asked] == [DecisionPoint.ASSIGN] * 2


async def test_of_many_that_ask_for_one_task_one_searches_and_all_are_answered(
    house: AssignmentHouse,
) -> None:
    house.registry.join("agent.a")
    house.registry.join("agent.b")
    racing = (house.tasks.assign(house.submitter, declaration("task.one")) for _ in range(20))
    answers = await asyncio.gather(*racing)
    assert len({answer.assignment_id for answer in answers}) == 1
    points = [point for point, _ in house.policy.asked]
    assert points.count(DecisionPoint.SUBMIT) == 1
    assert points.count(DecisionPoint.ASSIGN) == 1


async def test_who_races_for_a_task_with_another_declaration_is_refused_as_ever(
    house: AssignmentHouse,
) -> None:
    house.registry.join("agent.a")
    first = house.tasks.assign(house.submitter, declaration("task.one"))
    other = house.tasks.assign(house.submitter, declaration("task.one", objective="Another"))
    alone = house.tasks.assign(house.submitter, TaskDeclaration(task_id="task.one"))
    answers = await asyncio.gather(first, other, alone, return_exceptions=True)
    assert isinstance(answers[1], errors.AlreadyExists)
    assert isinstance(answers[0], Assigned)
    assert isinstance(answers[2], Assigned)
    assert answers[0].assignment_id == answers[2].assignment_id
