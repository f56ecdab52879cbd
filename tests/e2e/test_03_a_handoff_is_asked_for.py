"""A task is to move although its owner lives: nothing is interrupted before somebody takes it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from phoenix_dma.errors import (
    AssignmentLost,
    ContextHashMismatch,
    FieldInvalid,
    IllegalTransition,
    OfferLapsed,
    PhoenixError,
    PolicyDenied,
)
from phoenix_dma.v1 import handoff_pb2, registry_pb2
from phoenix_dma.wire.conversions import json_of
from phoenix_runtime.local.runtime import LocalRuntime, LocalRuntimeOptions
from tests.e2e.conftest import blameless, checked_scenario
from tests.e2e.scenarios.intervals import INTERVALS
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario

THIRD = "agent.customer-steward.003"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def patient_runtime() -> AsyncIterator[LocalRuntime]:
    """A runtime that waits a minute for the last checkpoint of a source."""
    environment = {**INTERVALS, "PHOENIX_DMA_LAST_CHECKPOINT": "60"}
    async with blameless(
        LocalRuntime(LocalRuntimeOptions.temporary(environment=environment))
    ) as runtime:
        yield runtime


@pytest_asyncio.fixture
async def patient(
    patient_runtime: LocalRuntime, request: pytest.FixtureRequest
) -> AsyncIterator[Scenario]:
    """A tenant of that runtime."""
    async with checked_scenario(patient_runtime, request) as scenario:
        yield scenario


async def test_the_source_checkpoints_once_more_and_the_target_goes_on_from_there(
    patient: Scenario,
) -> None:
    scenario = patient
    steward = await scenario.participant(STEWARD)
    await scenario.submit(input={"candidates": [1, 2]})
    briefing = await steward.take(TASK)
    backup = await scenario.participant(BACKUP)
    operator = await scenario.operator()
    handoff = await operator.hand_off(TASK, reason="a planned handover")
    assert handoff.source == STEWARD

    await steward.directive("checkpoint_task", TASK)
    assert (await operator.get_task(TASK)).participant == STEWARD, "it still works on it"
    made = await steward.checkpoint(TASK, briefing.task.epoch, 0, {"outputs": {"checked": [1]}})

    taken = await backup.take_over(TASK)
    assert json_of((await backup.read(made.checkpoint.context_ref)).context) == {
        "outputs": {"checked": [1]}
    }
    assert taken.handoff.received_hash == made.hash
    assert taken.briefing.context.version == 1
    assert taken.briefing.task.assignment.epoch > briefing.task.epoch
    assert (await steward.directive("stop_task", TASK)).epoch == briefing.task.epoch
    with pytest.raises(AssignmentLost):
        await steward.checkpoint(TASK, briefing.task.epoch, 1, {"outputs": {"checked": [1, 2]}})
    await backup.complete(TASK, taken.briefing.task.assignment.epoch, {"merged": 1})

    assert (await scenario.story(TASK))[3:] == [
        "HANDOFF_INITIATED",
        "CONTEXT_CHECKPOINTED",
        "TASK_MIGRATING",
        "HANDOFF_OFFERED",
        "HANDOFF_COMPLETED",
        "TASK_SUCCEEDED",
    ]
    moved = await scenario.event("HANDOFF_COMPLETED")
    said = {name: moved.detail[name] for name in ("source", "target", "reason")}
    assert said == {"source": STEWARD, "target": BACKUP, "reason": "requested"}
    assert moved.policy_decision["effect"] == "allow"


async def test_a_declined_offer_goes_to_the_next_candidate(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    await steward.take(TASK)
    others = [await scenario.participant(BACKUP), await scenario.participant(THIRD)]
    await (await scenario.operator()).hand_off(TASK)
    offered = await scenario.event("HANDOFF_OFFERED")
    first, second = sorted(others, key=lambda one: one.id != offered.participant)

    await first.refuse(await first.directive("receive_handoff", TASK), "too much to do")
    await second.take_over(TASK)

    assert (await scenario.task_with(TASK, second.id)).status == "active"
    declined = await scenario.event("HANDOFF_DECLINED")
    assert (declined.participant, declined.reason_code) == (first.id, "declined")
    assert declined.detail["why"] == "too much to do"


async def test_an_offer_that_nobody_answers_lapses_and_the_source_goes_on_under_a_new_epoch(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    briefing = await steward.take(TASK)
    backup = await scenario.participant(BACKUP)
    await (await scenario.operator()).hand_off(TASK)
    offer = await backup.directive("receive_handoff", TASK)
    with pytest.raises(AssignmentLost):  # on offer: the source is fenced
        await steward.complete(TASK, briefing.task.epoch, {})

    again = await steward.directive("start_task", TASK)

    lapsed = await scenario.event("HANDOFF_DECLINED")
    assert (lapsed.participant, lapsed.reason_code) == (BACKUP, "offer_timeout")
    with pytest.raises(OfferLapsed):
        await backup.accept(offer, received_hash=briefing.context.hash)
    await scenario.task_with(TASK, STEWARD)
    resumed = await steward.start(TASK, again.epoch)
    assert resumed.task.epoch > briefing.task.epoch
    await steward.complete(TASK, again.epoch, {"merged": 0})


async def test_declining_a_task_that_is_to_move_ends_the_handoff(patient: Scenario) -> None:
    scenario = patient
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    given = await steward.directive("start_task", TASK)
    operator = await scenario.operator()
    handoff = await operator.hand_off(TASK)

    await steward.decline(TASK, given.epoch)

    read = handoff_pb2.GetHandoffRequest(handoff_id=handoff.handoff_id)
    ended = (await operator.ask(operator.stubs.handoffs.GetHandoff, read)).handoff
    assert ended.status == handoff_pb2.HANDOFF_STATUS_ABORTED
    # By now the queue may have looked for somebody else, and said that there is nobody.
    story = await scenario.story(TASK)
    assert story[: story.index("TASK_DECLINED") + 1][-2:] == ["HANDOFF_ABORTED", "TASK_DECLINED"]


async def test_an_aborted_handoff_gives_the_task_back_under_a_new_epoch(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    briefing = await steward.take(TASK)
    backup = await scenario.participant(BACKUP)
    operator = await scenario.operator()
    handoff = await operator.hand_off(TASK)
    offer = await backup.directive("receive_handoff", TASK)

    request = handoff_pb2.AbortHandoffRequest(handoff_id=handoff.handoff_id, reason="not now")
    ended = (await operator.ask(operator.stubs.handoffs.AbortHandoff, request)).handoff

    assert ended.status == handoff_pb2.HANDOFF_STATUS_ABORTED
    again = await steward.directive("start_task", TASK)
    assert again.epoch > briefing.task.epoch
    with pytest.raises(OfferLapsed):
        await backup.accept(offer, received_hash=briefing.context.hash)
    with pytest.raises(AssignmentLost):
        await steward.complete(TASK, briefing.task.epoch, {})
    await steward.start(TASK, again.epoch)
    await steward.complete(TASK, again.epoch, {"merged": 0})
    request.reason, request.request_id = "once more", ""
    with pytest.raises(IllegalTransition):
        await operator.ask(operator.stubs.handoffs.AbortHandoff, request)


async def test_what_was_not_received_is_not_taken_over(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    briefing = await steward.take(TASK)
    await steward.checkpoint(TASK, briefing.task.epoch, 0, {"outputs": {"checked": [1]}})
    backup = await scenario.participant(BACKUP)
    await (await scenario.operator()).hand_off(TASK)
    offer = await backup.directive("receive_handoff", TASK)

    with pytest.raises(ContextHashMismatch):
        await backup.accept(offer, received_hash=briefing.context.hash)

    await backup.accept(offer)
    assert (await scenario.task_with(TASK, BACKUP)).status == "active"


async def test_a_handoff_that_nobody_may_take_never_interrupts_the_task(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    briefing = await steward.take(TASK)

    await steward.hand_off(TASK, "requested")

    denied = await scenario.event("HANDOFF_DENIED")
    assert denied.reason_code == "no_eligible_participant"
    assert "TASK_MIGRATING" not in await scenario.story(TASK)
    await steward.complete(TASK, briefing.task.epoch, {"merged": 0})


async def test_an_offer_to_somebody_who_is_suspended_goes_to_the_next_one(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    await steward.take(TASK)
    others = [await scenario.participant(BACKUP), await scenario.participant(THIRD)]
    operator = await scenario.operator()
    await operator.hand_off(TASK)
    offered = await scenario.event("HANDOFF_OFFERED")
    first, second = sorted(others, key=lambda one: one.id != offered.participant)
    offer = await first.directive("receive_handoff", TASK)

    request = registry_pb2.SuspendParticipantRequest(participant_id=first.id, reason="too late")
    await operator.ask(operator.stubs.registry.SuspendParticipant, request)

    await second.take_over(TASK)
    withdrawn = await scenario.event("HANDOFF_DECLINED")
    assert (withdrawn.participant, withdrawn.reason_code) == (first.id, "gate_closed")
    with pytest.raises(PhoenixError):
        await first.accept(offer, received_hash="sha256:" + "0" * 64)


async def test_policy_refuses_a_target_and_says_why(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit(policy_constraints=["no_handoff_across_owners"])
    epoch = (await steward.take(TASK)).task.epoch
    await scenario.participant(BACKUP, owner="another-team")

    await steward.hand_off(TASK)

    refused = await scenario.event("HANDOFF_DENIED", participant=BACKUP)
    assert refused.reason_code == "policy_denied"
    assert refused.policy_decision["effect"] == "deny"
    assert refused.detail["remediation"]
    await scenario.event("HANDOFF_DENIED", reason_code="no_eligible_participant")
    await steward.complete(TASK, epoch, {"merged": 0})


async def test_whoever_takes_over_accepts_what_is_owed(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit(policy_constraints=["decision_rationale_required"])
    epoch = (await steward.take(TASK)).task.epoch
    with pytest.raises(PolicyDenied):
        await steward.complete(TASK, epoch, {"merged": 0})
    backup = await scenario.participant(BACKUP)
    await steward.hand_off(TASK)
    offer = await backup.directive("receive_handoff", TASK)
    known = await backup.read(f"phoenix://context/{TASK}", offer.offer_id)
    request = handoff_pb2.CompleteHandoffRequest(
        handoff_id=offer.handoff_id,
        offer_id=offer.offer_id,
        received_hash=known.checkpoint.hash,
    )
    with pytest.raises(FieldInvalid):  # nothing was accepted
        await backup.api.ask(backup.api.stubs.handoffs.CompleteHandoff, request)

    taken = await backup.accept(offer)

    assert list(taken.handoff.accepted_obligations) == ["decision_rationale"]
    epoch = taken.briefing.task.epoch
    decision = {"obligation": "decision_rationale", "decision": "no pair scored high enough"}
    await backup.checkpoint(TASK, epoch, 0, {"decisions": [decision]})
    await backup.complete(TASK, epoch, {"merged": 0})


async def test_a_task_that_is_cancelled_ends_its_handoff_with_it(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    await scenario.submit()
    await steward.take(TASK)
    backup = await scenario.participant(BACKUP)
    operator = await scenario.operator()
    await operator.hand_off(TASK)
    offer = await backup.directive("receive_handoff", TASK)

    await operator.cancel(TASK, "it is not wanted any more")

    assert (await scenario.story(TASK))[-2:] == ["HANDOFF_ABORTED", "TASK_CANCELLED"]
    with pytest.raises(OfferLapsed):
        await backup.accept(offer, received_hash="sha256:" + "0" * 64)
    (gate,) = [one for one in (await scenario.evidence()).gates if one.participant_id == BACKUP]
    assert gate.used == 0
