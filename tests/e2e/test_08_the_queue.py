"""Tasks wait while nobody is active, certified or free, and are tried again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from phoenix_dma.errors import AssignmentLost, NoEligibleParticipant
from phoenix_dma.v1 import assignment_pb2, session_pb2
from phoenix_runtime.core.events import AuditEvent
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario

HIGH = "reference_data_validation"


def losers(failed: AuditEvent) -> list[dict[str, Any]]:
    """Who did not get the task, each with the conjunct that failed."""
    found: Any = failed.detail["failed"]
    return list(found)


async def test_a_task_that_nobody_can_take_waits_until_somebody_joins(scenario: Scenario) -> None:
    await scenario.submit()
    failed = await scenario.event("ASSIGNMENT_FAILED")
    assert failed.reason_code == "no_eligible_participant"
    assert (await scenario.task_in(TASK, "pending")).participant == ""

    steward = await scenario.participant(STEWARD)

    await steward.take(TASK)


async def test_nobody_eligible_is_an_error_with_the_failed_conjunct_of_each(
    scenario: Scenario,
) -> None:
    await scenario.participant(STEWARD, capabilities=["policy_check"])
    await scenario.participant(BACKUP, data_domains=["supplier"])
    wanted = scenario.task(required_capabilities=["duplicate_detection", "policy_check"])
    wanted.assignment_intent = assignment_pb2.ASSIGNMENT_INTENT_ON_REQUEST
    operator = await scenario.operator()

    with pytest.raises(NoEligibleParticipant) as refused:
        await operator.assign(wanted)

    facts = refused.value.facts
    assert (facts[STEWARD], facts[BACKUP]) == ("capability_match", "policy_allows")
    assert (await operator.get_task(TASK)).status == "pending"


async def test_an_uncertified_high_risk_capability_is_never_matched(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD, capabilities=[HIGH], data_domains=["customer"])
    await scenario.submit(required_capabilities=[HIGH])
    failed = await scenario.event("ASSIGNMENT_FAILED")
    (why,) = losers(failed)
    assert why["participant_id"] == STEWARD

    operator = await scenario.operator()
    await operator.certify(STEWARD, HIGH, evidence="120 cases of the test suite")

    await steward.take(TASK)
    bound = await scenario.event("ASSIGNMENT_CREATED")
    assert bound.participant == STEWARD


async def test_nobody_holds_more_than_its_capacity_and_the_next_starts_when_a_seat_is_free(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD, capacity=1)
    await scenario.submit(task_id="task.first")
    briefing = await steward.take("task.first")
    await scenario.submit(task_id="task.second")
    failed = await scenario.event("ASSIGNMENT_FAILED", task="task.second")
    (why,) = losers(failed)
    assert why["failed"] == "capacity"

    await steward.complete("task.first", briefing.task.epoch, {"merged": 0})

    await steward.take("task.second")


async def test_many_tasks_race_for_few_seats_and_nobody_gets_more_than_its_capacity(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD, capacity=2)
    names = [f"task.race.{number}" for number in range(8)]

    await asyncio.gather(*(scenario.submit(task_id=name) for name in names))

    for _ in names:
        told = await steward.directive("start_task")
        assert told.required_capabilities == ["duplicate_detection"]
        held = (await scenario.evidence()).tasks
        assert sum(task.owner == STEWARD for task in held) <= 2
        await steward.start(told.task_id, told.epoch)
        await steward.complete(told.task_id, told.epoch, {"merged": 0})
    bound = await scenario.events("ASSIGNMENT_CREATED")
    assert sorted(event.task for event in bound) == names


async def test_the_more_urgent_of_two_waiting_tasks_goes_first(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD, capacity=1)
    await scenario.submit(task_id="task.first")
    briefing = await steward.take("task.first")
    await scenario.submit(task_id="task.later", priority=1)
    await scenario.event("ASSIGNMENT_FAILED", task="task.later")
    await scenario.submit(task_id="task.urgent", priority=90)
    await scenario.event("ASSIGNMENT_FAILED", task="task.urgent")

    await steward.complete("task.first", briefing.task.epoch, {"merged": 0})

    urgent = await steward.take("task.urgent")
    assert (await scenario.task_in("task.later", "pending")).participant == ""
    await steward.complete("task.urgent", urgent.task.epoch, {"merged": 0})
    await steward.take("task.later")


async def test_whoever_declines_is_not_asked_again_at_once(scenario: Scenario) -> None:
    first = await scenario.participant(STEWARD)
    await scenario.submit()
    told = await first.directive("start_task", TASK)
    second = await scenario.participant(BACKUP)

    await first.decline(TASK, told.epoch, "it is not my kind of task")

    await second.take(TASK)
    declined = await scenario.event("TASK_DECLINED")
    assert declined.detail["why"] == "it is not my kind of task"


async def test_whoever_does_not_start_in_time_loses_the_task_to_the_next(
    scenario: Scenario,
) -> None:
    await scenario.participant(STEWARD)
    await scenario.submit(start_timeout=15)  # the next one has to begin within it
    assert (await scenario.task_in(TASK, "assigned")).participant == STEWARD
    second = await scenario.participant(BACKUP)

    await second.take(TASK)

    declined = await scenario.event("TASK_DECLINED")
    assert (declined.participant, declined.reason_code) == (STEWARD, "start_timeout")


async def test_a_task_is_tried_as_often_as_it_may_be_and_keeps_its_context(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit(max_attempts=2)
    first = await steward.take(TASK)
    await steward.checkpoint(TASK, first.task.epoch, 0, {"outputs": {"checked": [1]}})
    await steward.fail(TASK, first.task.epoch, retryable=True)

    second = await steward.take(TASK)

    assert (second.task.attempt, second.context.version) == (2, 1)
    await steward.fail(TASK, second.task.epoch, retryable=True)
    assert (await scenario.task_in(TASK, "failed")).attempt == 2


async def test_a_degraded_member_gets_only_what_permits_it(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    steward.health = session_pb2.HEALTH_STATE_DEGRADED
    await scenario.standing(STEWARD, "degraded")
    await scenario.submit(task_id="task.strict")
    await scenario.submit(task_id="task.lenient", degraded_allowed=True)

    await steward.take("task.lenient")
    assert (await scenario.task_in("task.strict", "pending")).participant == ""
    steward.health = session_pb2.HEALTH_STATE_SERVING

    await steward.take("task.strict")


async def test_explaining_changes_nothing_and_says_what_assigning_then_does(
    scenario: Scenario,
) -> None:
    await scenario.participant(STEWARD)
    await scenario.participant(BACKUP, capabilities=["policy_check"])
    operator = await scenario.operator()
    await operator.submit(scenario.task(on_request=True))

    shown = await operator.explain(assignment_pb2.TaskDeclaration(task_id=TASK))

    assert shown.participant_id == STEWARD
    assert {term.name for term in shown.score.terms} == {
        "capability_match",
        "availability",
        "trust",
        "cost_efficiency",
        "policy_score",
    }
    assert all(term.because for term in shown.score.terms)
    assert await scenario.story(TASK) == ["TASK_SUBMITTED"]
    done = await operator.assign(assignment_pb2.TaskDeclaration(task_id=TASK))
    assert done.participant_id == STEWARD
    again = await operator.assign(assignment_pb2.TaskDeclaration(task_id=TASK))
    assert again.assignment_id == done.assignment_id


async def test_a_task_whose_deadline_is_over_fails_wherever_it_is(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    soon = datetime.now(UTC) + timedelta(seconds=15)
    await scenario.submit(task_id="task.held", deadline=soon)
    await scenario.submit(
        task_id="task.waiting", deadline=soon, required_capabilities=["product_validation"]
    )
    epoch = (await steward.take("task.held")).task.epoch

    for name in ("task.held", "task.waiting"):
        assert (await scenario.task_in(name, "failed")).reason == "deadline"
    await steward.directive("stop_task", "task.held")
    with pytest.raises(AssignmentLost):
        await steward.complete("task.held", epoch, {"merged": 0})


async def test_an_attempt_that_takes_too_long_is_taken_away_and_tried_again(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit(attempt_timeout=15, max_attempts=2)
    first = await steward.take(TASK)

    again = await steward.take(TASK)
    await steward.complete(TASK, again.task.epoch, {"merged": 0})  # this one is in time

    assert again.task.attempt == 2
    retried = await scenario.event("TASK_RETRIED")
    assert retried.reason_code == "attempt_timeout"
    with pytest.raises(AssignmentLost):
        await steward.complete(TASK, first.task.epoch, {"merged": 0})
