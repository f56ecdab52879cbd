"""Who is assigned a task, when it is tried again, and who is left out."""

from dataclasses import replace
from datetime import timedelta

import pytest

from assignment_svc.domain.states import AssignmentIntent, TaskStatus
from phoenix_runtime.core import errors
from phoenix_runtime.core.standing import ParticipantStatus
from phoenix_runtime.core.verdict import DecisionPoint, Grants
from tests.support.fakes.assignment_peers import CAPABILITIES, DOMAINS
from tests.support.fakes.policy import deny
from tests.support.servers.assignment_service import AssignmentService, declaration


async def test_the_best_candidate_is_chosen_and_every_other_one_hears_why_not(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.cheap", cost=1.0)
    assignment.registry.join("agent.dear", cost=9.0)
    assignment.registry.join("agent.ill", status=ParticipantStatus.DEGRADED)
    assignment.registry.join("agent.other", grants=Grants())
    assigned = await assignment.bound("task.one")
    assert assigned.participant_id == "agent.cheap"
    assert {one.participant_id: one.failed for one in assigned.alternatives} == {
        "agent.dear": "score",
        "agent.ill": "active",
        "agent.other": "capability_match",
        "human.1": "capability_match",
    }
    assert assigned.score is not None
    assert [term.name for term in assigned.score.terms] == [
        "capability_match",
        "availability",
        "trust",
        "cost_efficiency",
        "policy_score",
    ]
    again = await assignment.assign(assignment.submitter, "task.one")
    assert again.assignment_id == assigned.assignment_id
    assert again.explanation == assigned.explanation


async def test_a_denied_candidate_is_passed_over_and_the_denial_audited_once(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.cheap", cost=1.0)

    def answer(point: DecisionPoint, question: object) -> dict[str, object]:
        return deny("not this one") if point is DecisionPoint.ASSIGN else {"trust": 0.6}

    assignment.policy.answer = answer
    await assignment.submit("task.one")
    for _ in range(3):
        with pytest.raises(errors.NoEligibleParticipant) as refusal:
            await assignment.assign(assignment.engine, "task.one")
    assert refusal.value.facts["agent.cheap"] == "policy_allows"
    assert await assignment.story("task.one") == [
        "TASK_SUBMITTED",
        "ASSIGNMENT_DENIED",
        "ASSIGNMENT_FAILED",
    ]
    task = await assignment.task("task.one")
    assert (task.status, task.tries) == (TaskStatus.PENDING, 3)


async def test_a_waiting_task_is_tried_again_by_its_timer_and_when_somebody_joins(
    assignment: AssignmentService,
) -> None:
    await assignment.submit("task.one", priority=1)
    await assignment.work()
    first = await assignment.task("task.one")
    assert first.next_try_at == assignment.clock.now() + timedelta(seconds=2)
    assignment.clock.advance(2)
    await assignment.work()
    assert (await assignment.task("task.one")).tries == 2
    assert await assignment.story("task.one") == ["TASK_SUBMITTED", "ASSIGNMENT_FAILED"]
    assignment.registry.join("agent.a")
    assert await assignment.wake_queue(assignment.engine) == 1
    await assignment.work()
    assert (await assignment.task("task.one")).owner_id == "agent.a"


@pytest.mark.parametrize(
    ("grants", "woken"),
    [
        (Grants(CAPABILITIES, DOMAINS), 1),
        (Grants(frozenset({"product_validation"}), DOMAINS), 0),
        (Grants(CAPABILITIES, frozenset({"product"})), 0),
    ],
)
async def test_whoever_joins_wakes_what_it_could_take_and_nothing_else(
    assignment: AssignmentService, grants: Grants, woken: int
) -> None:
    await assignment.submit("task.one")
    await assignment.work()
    assignment.registry.join("agent.a", grants=grants)
    assignment.registry.join("agent.gone", status=ParticipantStatus.FAILED)
    assert await assignment.wake_queue(assignment.engine, ["agent.gone", "agent.nobody"]) == 0
    assert await assignment.wake_queue(assignment.engine, ["agent.a", "agent.gone"]) == woken


async def test_the_queue_serves_by_priority(assignment: AssignmentService) -> None:
    for number, priority in enumerate((1, 9, 5)):
        await assignment.submit(f"task.{number}", priority=priority)
    assignment.registry.join("agent.a", capacity=2)
    await assignment.work()
    held = [number for number in range(3) if (await assignment.task(f"task.{number}")).owner_id]
    assert held == [1, 2]


async def test_a_task_on_request_is_assigned_only_when_asked(assignment: AssignmentService) -> None:
    assignment.registry.join("agent.a")
    await assignment.submit("task.one", intent=AssignmentIntent.ON_REQUEST.value)
    assert await assignment.work() == 0
    assigned = await assignment.tasks.assign(assignment.submitter, declaration_of("task.one"))
    assert assigned.participant_id == "agent.a"


async def test_assigning_a_whole_task_submits_it_first_and_a_known_one_is_not_submitted_again(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    first = await assignment.tasks.assign(
        assignment.submitter, declaration("task.one", input={"a": 1})
    )
    second = await assignment.tasks.assign(assignment.submitter, declaration("task.one"))
    assert first.assignment_id == second.assignment_id
    with pytest.raises(errors.AlreadyExists):
        await assignment.tasks.assign(
            assignment.submitter, declaration("task.one", objective="Another")
        )
    assignment.registry.people.pop("agent.a")
    with pytest.raises(errors.NoEligibleParticipant, match="stays pending"):
        await assignment.tasks.assign(assignment.submitter, declaration("task.two"))
    assert (await assignment.task("task.two")).status is TaskStatus.PENDING


async def test_explaining_changes_nothing(assignment: AssignmentService) -> None:
    assignment.registry.join("agent.a")
    assignment.registry.join("agent.b", cost=4.0)
    explained = await assignment.tasks.explain(assignment.submitter, declaration("task.new"))
    assert explained.participant_id == "agent.a"
    assert {one.participant_id for one in explained.alternatives} == {"agent.b", "human.1"}
    with pytest.raises(errors.NotFound):
        await assignment.task("task.new")
    assert (await assignment.evidence()).events == ()


async def test_who_declines_is_left_out_for_a_while(assignment: AssignmentService) -> None:
    assignment.registry.join("agent.a")
    assigned = await assignment.bound("task.one")
    declined = await assignment.tasks.decline(
        assignment.agent("agent.a"), "task.one", assigned.task.epoch, reason="too busy"
    )
    assert (declined.task.status, declined.task.owner_id) == (TaskStatus.PENDING, "")
    assert declined.task.epoch == assigned.task.epoch + 1
    await assignment.work()
    task = await assignment.task("task.one")
    assert task.status is TaskStatus.PENDING
    assignment.clock.advance(31)
    await assignment.work()
    assert (await assignment.task("task.one")).owner_id == "agent.a"


async def test_a_start_that_does_not_come_counts_as_declined(assignment: AssignmentService) -> None:
    assignment.registry.join("agent.a")
    assignment.registry.join("agent.b", cost=1.0)
    assigned = await assignment.bound("task.one", start_timeout=timedelta(seconds=10))
    assignment.clock.advance(11)
    await assignment.work()
    task = await assignment.task("task.one")
    assert task.owner_id not in {"", assigned.participant_id}
    with pytest.raises(errors.StaleAssignment):
        await assignment.tasks.start(
            assignment.agent(assigned.participant_id), "task.one", assigned.task.epoch
        )
    assert assignment.access.refusals[0][0] == assigned.participant_id


def declaration_of(task_id: str) -> object:
    """A known task by its id alone."""
    return replace(
        declaration(task_id), objective="", required_capabilities=(), data_domains=(), risk_level=""
    )
