"""Members are suspended, lose grants, leave and come back; their tasks move or stay accordingly."""

from __future__ import annotations

import pytest

from phoenix_dma.aio.keepalive.attachment import Loss
from phoenix_dma.errors import AssignmentLost, IllegalTransition, NotPermitted
from phoenix_dma.v1 import assignment_pb2, registry_pb2
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario


async def suspend(scenario: Scenario, participant_id: str) -> None:
    operator = await scenario.operator()
    request = registry_pb2.SuspendParticipantRequest(
        participant_id=participant_id, reason="it answers nonsense"
    )
    await operator.ask(operator.stubs.registry.SuspendParticipant, request)


async def reinstate(scenario: Scenario, participant_id: str) -> None:
    operator = await scenario.operator()
    request = registry_pb2.ReinstateParticipantRequest(
        participant_id=participant_id, reason="it was repaired"
    )
    await operator.ask(operator.stubs.registry.ReinstateParticipant, request)


async def test_the_tasks_of_a_suspended_member_move_at_once(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    briefing = await steward.take(TASK)
    backup = await scenario.participant(BACKUP)

    await suspend(scenario, STEWARD)

    taken = await backup.take_over(TASK)
    assert taken.handoff.reason == "participant_suspended"
    with pytest.raises((AssignmentLost, NotPermitted)):
        await steward.complete(TASK, briefing.task.epoch, {})
    await steward.loses(Loss.SUSPENDED)
    told = await scenario.event("PARTICIPANT_SUSPENDED")
    assert told.detail["why"] == "it answers nonsense"


async def test_a_suspended_member_gets_nothing_until_it_is_reinstated_and_beats(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD)
    await suspend(scenario, STEWARD)
    with pytest.raises(IllegalTransition):
        await steward.register()
    await scenario.submit()
    await scenario.event("ASSIGNMENT_FAILED")
    assert (await scenario.task_in(TASK, "pending")).participant == ""

    await reinstate(scenario, STEWARD)

    await scenario.standing(STEWARD, "registered", "active")
    await steward.fall_silent()
    await steward.join()
    await steward.take(TASK)


async def test_a_member_whose_grants_shrink_loses_what_they_no_longer_cover(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD, capacity=2)
    await scenario.submit()
    await scenario.submit(task_id="task.policy", required_capabilities=["policy_check"])
    briefing = await steward.take(TASK)
    kept = await steward.take("task.policy")

    request = registry_pb2.UpdateCapabilitiesRequest(
        participant_id=STEWARD,
        capabilities=["policy_check"],
        data_domains=["customer"],
        permissions=["read_customer_master"],
    )
    await steward.api.ask(steward.api.stubs.registry.UpdateCapabilities, request)

    backup = await scenario.participant(BACKUP)
    taken = await backup.take_over(TASK)
    assert taken.handoff.reason == "unauthorized"
    with pytest.raises(AssignmentLost):
        await steward.complete(TASK, briefing.task.epoch, {})
    await steward.complete("task.policy", kept.task.epoch, {"allowed": True})
    changed = await scenario.event("CAPABILITIES_UPDATED")
    assert changed.detail["old_capabilities"] == ["duplicate_detection", "policy_check"]
    assert changed.detail["new_capabilities"] == ["policy_check"]
    assert changed.policy_decision["effect"] == "allow"


async def test_whoever_says_goodbye_leaves_its_tasks_at_once(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    await steward.take(TASK)
    backup = await scenario.participant(BACKUP)

    await steward.say_goodbye()

    taken = await backup.take_over(TASK)
    assert taken.handoff.reason == "participant_left"
    left = await scenario.event("PARTICIPANT_FAILED")
    assert (left.participant, left.reason_code) == (STEWARD, "participant_left")
    await steward.join()
    assert await scenario.standing(STEWARD, "active"), "it retired from nothing"


async def test_whoever_reconnects_goes_on_under_the_same_epoch(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    briefing = await steward.take(TASK)
    await steward.fall_silent()

    await steward.appear()

    (resumed,) = await steward.resume()
    assert resumed.task.assignment.epoch == briefing.task.epoch
    await steward.complete(TASK, briefing.task.epoch, {"merged": 0})
    assert "TASK_RESUMED" not in await scenario.story(TASK)


async def test_whoever_registers_again_resumes_under_a_new_epoch_and_fences_its_older_self(
    scenario: Scenario,
) -> None:
    older = await scenario.participant(STEWARD)
    await scenario.submit()
    briefing = await older.take(TASK)
    await older.checkpoint(TASK, briefing.task.epoch, 0, {"outputs": {"checked": [1]}})

    newer = await scenario.participant(STEWARD)

    assert newer.generation == older.generation + 1
    (resumed,) = await newer.resume()
    assert resumed.task.assignment.epoch > briefing.task.epoch
    assert resumed.context.version == 1
    with pytest.raises(AssignmentLost):
        await older.checkpoint(TASK, briefing.task.epoch, 1, {"outputs": {"checked": [1, 2]}})
    with pytest.raises(NotPermitted):
        await older.resume()
    await newer.complete(TASK, resumed.task.assignment.epoch, {"merged": 0})
    await older.loses(Loss.SUPERSEDED)
    assert older.losses == [Loss.SUPERSEDED]


async def test_whoever_registers_again_and_does_not_resume_in_time_counts_as_gone(
    scenario: Scenario,
) -> None:
    older = await scenario.participant(STEWARD)
    await scenario.submit()
    await older.take(TASK)
    backup = await scenario.participant(BACKUP)

    await scenario.participant(STEWARD)

    taken = await backup.take_over(TASK)
    assert taken.handoff.reason == "not_resumed"


async def test_a_source_that_comes_back_before_anybody_took_over_gets_its_task_back(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    briefing = await steward.take(TASK)
    await steward.fall_silent()
    await scenario.task_in(TASK, "migrating")

    await steward.join()

    (resumed,) = await steward.resume()
    assert resumed.task.assignment.epoch > briefing.task.epoch
    assert resumed.task.status == assignment_pb2.TASK_STATUS_ACTIVE
    ended = await scenario.event("HANDOFF_ABORTED")
    assert ended.reason_code == "source_returned"
    await steward.complete(TASK, resumed.task.assignment.epoch, {"merged": 0})
