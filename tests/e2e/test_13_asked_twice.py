"""Whatever is asked again has one effect and one answer, at the same time or after a lost reply."""

from __future__ import annotations

import asyncio

import pytest

from phoenix_dma.errors import PhoenixError, RequestIdReused
from phoenix_dma.v1 import assignment_pb2, state_pb2
from phoenix_dma.wire.conversions import struct_of
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario


async def test_the_same_request_id_and_body_are_one_effect_and_one_answer(
    scenario: Scenario,
) -> None:
    operator = await scenario.operator()
    request = assignment_pb2.SubmitTaskRequest(task=scenario.task(task_id=""), request_id="once")

    answers = await asyncio.gather(
        *(operator.ask(operator.stubs.assignment.SubmitTask, request) for _ in range(5))
    )

    assert len({answer.task.task_id for answer in answers}) == 1
    assert len({answer.receipt.audit_event_id for answer in answers}) == 1
    assert len(await scenario.events("TASK_SUBMITTED")) == 1
    other = assignment_pb2.SubmitTaskRequest(task=scenario.task(), request_id="once")
    with pytest.raises(RequestIdReused):
        await operator.ask(operator.stubs.assignment.SubmitTask, other)


async def test_the_same_checkpoint_twice_is_one_version(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    epoch = (await steward.take(TASK)).task.epoch
    request = state_pb2.CheckpointContextRequest(
        task_id=TASK,
        epoch=epoch,
        context=struct_of({"outputs": {"checked": [1]}}),
        request_id="checkpoint.1",
    )

    answers = await asyncio.gather(
        *(steward.api.ask(steward.api.stubs.state.CheckpointContext, request) for _ in range(4))
    )

    assert {answer.checkpoint.version for answer in answers} == {1}
    assert len(await scenario.events("CONTEXT_CHECKPOINTED")) == 1


async def test_two_results_race_and_one_counts(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    epoch = (await steward.take(TASK)).task.epoch

    answers = await asyncio.gather(
        *(steward.complete(TASK, epoch, {"merged": number}) for number in range(4)),
        return_exceptions=True,
    )

    (won,) = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert all(isinstance(one, PhoenixError) for one in answers if one is not won)
    ended = await scenario.task_in(TASK, "succeeded")
    assert ended.message.result == won.task.result


async def test_completing_races_with_moving_and_one_of_them_happens(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    backup = await scenario.participant(BACKUP, capabilities=["duplicate_detection"])
    operator = await scenario.operator()
    for number in range(2):
        name = f"task.race.{number}"
        await scenario.submit(task_id=name)
        owner = (
            steward if (await scenario.task_in(name, "assigned")).participant == STEWARD else backup
        )
        other = backup if owner is steward else steward
        epoch = (await owner.take(name)).task.epoch
        handoff = await operator.hand_off(name)
        offer = await other.directive("receive_handoff", name)
        results = await asyncio.gather(
            owner.complete(name, epoch, {"merged": number}),
            other.accept(offer),
            return_exceptions=True,
        )
        completed, taken = (not isinstance(one, BaseException) for one in results)
        assert (completed, taken) == (False, True), f"fenced since the offer: {results}"
        assert handoff.source == owner.id
