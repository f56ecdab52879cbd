"""Races between a bind and what changes under it, with one right outcome each.

The order is steered: by barriers in the peers' answers, or by holding a row that both want and
seeing them wait. Never by time.
"""

import asyncio

import pytest

from assignment_svc.domain.gate import Gate
from assignment_svc.domain.states import RetirementMode, TaskStatus
from assignment_svc.usecases.membership.retire_participant import RetirementRequest
from assignment_svc.usecases.steps import transaction
from assignment_svc.usecases.tasks.complete_task import TaskResult
from phoenix_runtime.core import errors
from phoenix_runtime.core.standing import ParticipantStatus, Standing
from phoenix_runtime.core.verdict import DecisionPoint, Grants
from tests.support.fakes.assignment_peers import needs_human
from tests.support.servers.assignment_service import AssignmentService
from tests.support.waiting.row_locks import held, settled


async def test_two_tasks_race_for_one_seat_and_one_of_them_gets_it(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    await assignment.submit("task.one")
    await assignment.submit("task.two")

    async def the_other_is_bound() -> None:
        await assignment.assign(assignment.engine, "task.two")

    # Policy has said yes for task.one; before that yes is used, the seat is taken.
    assignment.policy.before[DecisionPoint.ASSIGN] = the_other_is_bound
    with pytest.raises(errors.NoEligibleParticipant) as refusal:
        await assignment.assign(assignment.engine, "task.one")
    assert refusal.value.facts["agent.a"] == "capacity"
    assert (await assignment.task("task.two")).owner_id == "agent.a"
    assert (await assignment.task("task.one")).status is TaskStatus.PENDING


async def test_two_binds_wait_for_the_same_gate_and_one_of_them_finds_it_full(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    done = await assignment.active("task.before")
    await assignment.tasks.complete(
        assignment.agent("agent.a"), TaskResult("task.before", done.epoch, {})
    )
    await assignment.submit("task.one")
    await assignment.submit("task.two")
    gate = {"tenant": assignment.tenant, "participant_id": "agent.a"}
    async with held(assignment.admin_url, "assignment.gates", **gate) as row:
        first = asyncio.create_task(assignment.assign(assignment.engine, "task.one"))
        await row.waited_for_by(1)
        second = asyncio.create_task(assignment.assign(assignment.engine, "task.two"))
        await row.waited_for_by(2)
        await row.release()
        results = await settled(first, second)
    refused = [result for result in results if isinstance(result, errors.NoEligibleParticipant)]
    assert len(refused) == 1
    owners = [(await assignment.task(name)).owner_id for name in ("task.one", "task.two")]
    assert sorted(owners) == ["", "agent.a"]


async def test_a_gate_that_was_marked_between_the_judgement_and_the_bind_refuses_it(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    await assignment.submit("task.one")

    async def it_retires() -> None:
        await assignment.handoffs.retire(
            assignment.operator, RetirementRequest("agent.a", RetirementMode.IMMEDIATE)
        )

    assignment.policy.before[DecisionPoint.ASSIGN] = it_retires
    with pytest.raises(errors.NoEligibleParticipant) as refusal:
        await assignment.assign(assignment.engine, "task.one")
    assert refusal.value.facts["agent.a"] == "active"
    await assignment.work()
    assert assignment.registry.people["agent.a"].status is ParticipantStatus.RETIRED
    assert (await assignment.task("task.one")).status is TaskStatus.PENDING


async def test_a_retirement_that_finds_a_bind_first_moves_the_task(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    assignment.registry.join("agent.b", cost=9.0)
    await assignment.submit("task.one")
    task = {"tenant": assignment.tenant, "task_id": "task.one"}
    async with held(assignment.admin_url, "assignment.tasks", **task) as row:
        bind = asyncio.create_task(assignment.assign(assignment.engine, "task.one"))
        await row.waited_for_by(1)
        await row.release()
        await settled(bind)
    await assignment.handoffs.retire(
        assignment.operator, RetirementRequest("agent.a", RetirementMode.IMMEDIATE)
    )
    await assignment.work()
    moved = await assignment.task("task.one")
    assert moved.status is TaskStatus.MIGRATING
    handoff = (await assignment.handoffs.get(assignment.operator, moved.handoff_id)).handoff
    assert handoff.offer is not None
    assert handoff.offer.target == "agent.b"
    assert assignment.registry.people["agent.a"].status is ParticipantStatus.RETIRED


async def test_a_bind_looks_again_where_the_gate_has_seen_a_newer_standing(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    await assignment.submit("task.one")

    async def it_falls_and_the_gate_hears_of_it() -> None:
        assignment.registry.change("agent.a", status=ParticipantStatus.FAILED)
        await assignment.reconcile.participants(assignment.engine, ["agent.a"])

    assignment.policy.before[DecisionPoint.ASSIGN] = it_falls_and_the_gate_hears_of_it
    with pytest.raises(errors.NoEligibleParticipant) as refusal:
        await assignment.assign(assignment.engine, "task.one")
    assert refusal.value.facts["agent.a"] == "active"
    points = [point for point, _ in assignment.policy.asked]
    assert points.count(DecisionPoint.ASSIGN) == 1


async def test_a_newer_standing_that_is_open_is_looked_at_again_too(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    await assignment.submit("task.one")

    async def its_grants_shrink() -> None:
        shrunk = Grants(frozenset({"duplicate_detection"}))
        assignment.registry.change("agent.a", grants=shrunk)
        await assignment.reconcile.participants(assignment.engine, ["agent.a"])

    assignment.policy.before[DecisionPoint.ASSIGN] = its_grants_shrink
    with pytest.raises(errors.NoEligibleParticipant) as refusal:
        await assignment.assign(assignment.engine, "task.one")
    assert refusal.value.facts["agent.a"] == "capability_match"


async def test_a_yes_that_is_older_than_five_seconds_is_not_used(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    await assignment.submit("task.one")

    async def time_passes() -> None:
        assignment.clock.advance(5.5)

    assignment.policy.before[DecisionPoint.ASSIGN] = time_passes
    assigned = await assignment.assign(assignment.engine, "task.one")
    points = [point for point, _ in assignment.policy.asked]
    assert points.count(DecisionPoint.ASSIGN) == 2
    assert assigned.participant_id == "agent.a"


async def test_a_bind_that_hangs_in_its_middle_looks_again_instead_of_using_an_old_yes(
    assignment: AssignmentService, monkeypatch: pytest.MonkeyPatch
) -> None:
    assignment.registry.join("agent.a")
    await assignment.submit("task.one")
    admitted, hung = transaction.admitted, []

    def hangs_once(gate: Gate, standing: Standing, *, degraded_allowed: bool) -> Gate:
        if not hung:
            hung.append(True)
            assignment.clock.advance(6)
        return admitted(gate, standing, degraded_allowed=degraded_allowed)

    monkeypatch.setattr(transaction, "admitted", hangs_once)
    await assignment.assign(assignment.engine, "task.one")
    assert hung
    assert (await assignment.task("task.one")).owner_id == "agent.a"
    assert await assignment.findings() == ()


async def test_the_queue_and_a_caller_assign_the_same_task_once(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a", capacity=2)
    await assignment.submit("task.one")

    async def the_queue_is_quicker() -> None:
        await assignment.process_task(assignment.engine, "task.one")

    assignment.policy.before[DecisionPoint.ASSIGN] = the_queue_is_quicker
    assigned = await assignment.assign(assignment.submitter, "task.one")
    assert assigned.task.epoch == 1
    assert (await assignment.story("task.one")).count("ASSIGNMENT_CREATED") == 1


async def test_a_question_whose_target_falls_while_it_is_asked_is_withdrawn(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    assignment.policy.answer = needs_human(DecisionPoint.ASSIGN)
    await assignment.submit("task.one")

    async def the_target_falls() -> None:
        assignment.registry.change("agent.a", status=ParticipantStatus.FAILED)
        await assignment.reconcile.participants(assignment.engine, ["agent.a"])

    assignment.approvals.before["request"] = the_target_falls
    with pytest.raises(errors.NoEligibleParticipant):
        await assignment.assign(assignment.engine, "task.one")
    assert [answer.state for answer in assignment.approvals.answers.values()] == ["cancelled"]
    assert (await assignment.task("task.one")).status is TaskStatus.PENDING


async def test_a_source_that_returns_is_judged_anew_where_its_yes_grew_old(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    await assignment.active("task.one")
    assignment.registry.change("agent.a", status=ParticipantStatus.FAILED)
    await assignment.reconcile(assignment.engine)
    assignment.registry.join("agent.a")
    assignment.policy.asked.clear()

    async def time_passes() -> None:
        assignment.clock.advance(5.5)

    assignment.policy.before[DecisionPoint.ASSIGN] = time_passes
    resumed = await assignment.tasks.resume(assignment.agent("agent.a"), 2)
    assert len(resumed.briefings) == 1
    assert [point for point, _ in assignment.policy.asked] == [DecisionPoint.ASSIGN] * 2
