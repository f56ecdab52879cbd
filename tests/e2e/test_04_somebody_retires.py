"""Retirement: the gate closes first, tasks move, and the id is never used again."""

from __future__ import annotations

import asyncio

import pytest

from phoenix_dma.aio.keepalive.attachment import Loss
from phoenix_dma.errors import AssignmentLost, IllegalTransition, NotPermitted, PhoenixError
from phoenix_dma.v1 import handoff_pb2
from tests.e2e.scenarios.intervals import PATIENCE
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario
from tests.support.waiting.until import until


async def finished(scenario: Scenario, participant_id: str) -> handoff_pb2.Retirement:
    """The record of the retirement, once nothing is bound or on offer any more."""
    operator = await scenario.operator()

    async def look() -> handoff_pb2.Retirement | None:
        request = handoff_pb2.ListRetirementsRequest(participant_id=participant_id)
        answer = await operator.ask(operator.stubs.handoffs.ListRetirements, request)
        (found,) = answer.retirements
        done = found.status == handoff_pb2.RETIREMENT_STATUS_FINISHED
        return found if done else None

    return await until(look, PATIENCE)


async def test_whoever_holds_nothing_is_retired_at_once_and_its_id_is_refused_for_ever(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD)
    operator = await scenario.operator()

    retired = await operator.retire(STEWARD, reason="its work is done")

    assert retired.status == handoff_pb2.RETIREMENT_STATUS_FINISHED
    assert await scenario.standing(STEWARD, "retired")
    with pytest.raises(IllegalTransition):
        await steward.register()
    again = await scenario.unregistered(STEWARD)
    with pytest.raises(NotPermitted):
        await again.join()
    await scenario.submit()
    await scenario.participant(BACKUP)
    assert (await scenario.task_in(TASK, "assigned")).participant == BACKUP
    await steward.loses(Loss.RETIRED)
    assert (await operator.retire(STEWARD)).retirement_id == retired.retirement_id


async def test_a_graceful_retirement_waits_for_the_next_checkpoint_and_hands_the_task_off(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    briefing = await steward.take(TASK)
    backup = await scenario.participant(BACKUP)

    await (await scenario.operator()).retire(STEWARD)

    await steward.directive("drain")
    await steward.directive("checkpoint_task", TASK)
    assert await scenario.standing(STEWARD, "retiring")
    assert "HANDOFF_INITIATED" not in await scenario.story(TASK)
    await steward.checkpoint(TASK, briefing.task.epoch, 0, {"outputs": {"checked": [1]}})
    taken = await backup.take_over(TASK)
    assert taken.handoff.reason == "participant_retirement"
    record = await finished(scenario, STEWARD)
    (outcome,) = record.outcomes
    assert (outcome.task_id, outcome.outcome, outcome.target) == (TASK, "handed_off", BACKUP)
    assert await scenario.standing(STEWARD, "retired")
    told = await scenario.event("PARTICIPANT_RETIRED")
    assert told.detail["mode"] == "graceful"
    assert told.detail["active_tasks"] == [TASK]


async def test_a_graceful_retirement_lets_a_task_end_by_itself(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    briefing = await steward.take(TASK)

    await steward.api.retire(STEWARD)
    await steward.complete(TASK, briefing.task.epoch, {"merged": 0})

    (outcome,) = (await finished(scenario, STEWARD)).outcomes
    assert (outcome.task_id, outcome.outcome) == (TASK, "completed")


async def test_an_immediate_retirement_does_not_wait_for_targets(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    briefing = await steward.take(TASK)

    await (await scenario.operator()).retire(STEWARD, mode="immediate")

    (outcome,) = (await finished(scenario, STEWARD)).outcomes
    assert (outcome.task_id, outcome.outcome) == (TASK, "waiting")
    assert (await scenario.task_in(TASK, "migrating")).participant == ""
    with pytest.raises(PhoenixError) as refused:
        await steward.complete(TASK, briefing.task.epoch, {})
    assert refused.value.reason in {AssignmentLost.reason, NotPermitted.reason}
    backup = await scenario.participant(BACKUP)
    await backup.take_over(TASK)
    moved = await scenario.event("HANDOFF_COMPLETED")
    assert (moved.detail["source"], moved.detail["target"]) == (STEWARD, BACKUP)


async def test_a_graceful_retirement_of_somebody_who_dies_becomes_an_immediate_one(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    await steward.take(TASK)
    await (await scenario.operator()).retire(STEWARD)
    await steward.directive("drain")

    await steward.fall_silent()

    (outcome,) = (await finished(scenario, STEWARD)).outcomes
    assert outcome.outcome == "waiting"
    backup = await scenario.participant(BACKUP)
    await backup.take_over(TASK)


async def test_whatever_is_bound_while_somebody_retires_is_never_left_with_it(
    scenario: Scenario,
) -> None:
    await scenario.participant(STEWARD, capacity=10)
    operator = await scenario.operator()
    names = [f"task.race.{number}" for number in range(6)]

    async def retire() -> None:
        await operator.retire(STEWARD, mode="immediate")

    await asyncio.gather(*(scenario.submit(task_id=name) for name in names), retire())

    await finished(scenario, STEWARD)
    assert await scenario.standing(STEWARD, "retired")
    for name in names:
        left = await scenario.task_in(name, "pending", "migrating")
        assert left.participant == ""
    backup = await scenario.participant(BACKUP, capacity=10)

    async def taken(name: str) -> None:
        status = (await operator.get_task(name)).status
        await (backup.take_over(name) if status == "migrating" else backup.take(name))

    # All at once: an offer lapses while others are answered.
    await asyncio.gather(*map(taken, names))
