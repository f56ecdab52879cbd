"""A result counts once its obligations are met: by a human's yes, or by a recorded decision."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix_dma.errors import FieldInvalid, PolicyDenied
from phoenix_dma.v1 import approval_pb2
from tests.e2e.scenarios.humans import human, waiting
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario

RESULT = ["human_approval_required"]


async def with_a_result(
    scenario: Scenario,
) -> tuple[Participant, Participant, approval_pb2.Approval]:
    """The steward's result is parked, and the human is asked for an approval."""
    steward = await scenario.participant(STEWARD)
    decider = await human(scenario)
    await scenario.submit(policy_constraints=RESULT)
    epoch = (await steward.take(TASK)).task.epoch
    await steward.complete(TASK, epoch, {"merged": 1})
    return steward, decider, await waiting(scenario)


async def test_a_completion_is_parked_until_a_human_has_approved_the_result(
    scenario: Scenario,
) -> None:
    steward, decider, first = await with_a_result(scenario)
    parked = await scenario.task_in(TASK, "awaiting_approval")
    assert parked.message.parked.approval_id == first.approval_id
    await decider.api.decide(first.approval_id, approve=False, comment="one is missing")

    back = await scenario.task_in(TASK, "active")
    assert back.participant == STEWARD
    with pytest.raises(PolicyDenied):
        await steward.complete(TASK, back.epoch, {"merged": 1})
    await steward.complete(TASK, back.epoch, {"merged": 2})
    second = await waiting(scenario)
    await decider.api.decide(second.approval_id, approve=True, comment="complete now")

    ended = await scenario.task_in(TASK, "succeeded")
    assert ended.result == {"merged": 2}


async def test_who_only_says_that_something_was_decided_and_approved_cannot_complete(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD)
    decider = await human(scenario)
    await scenario.submit(policy_constraints=["decision_rationale_required", *RESULT])
    epoch = (await steward.take(TASK)).task.epoch
    context: dict[str, Any] = {"outputs": {"merged": 1}, "decisions": ["we decided"]}

    for named in ("decision_rationale", "human_approval_required", "nothing"):
        with pytest.raises(FieldInvalid, match=named):
            await steward.complete(TASK, epoch, {"merged": 1}, fulfilled=[named])
        with pytest.raises(FieldInvalid, match=named):
            await steward.checkpoint(TASK, epoch, 0, context, fulfilled=[named])
    with pytest.raises(PolicyDenied) as refused:
        await steward.complete(TASK, epoch, {"merged": 1})
    assert '{"obligation": "decision_rationale", "decision": "…"}' in refused.value.remedy
    assert "CONTEXT_CHECKPOINTED" not in await scenario.story(TASK)

    decision = {"obligation": "decision_rationale", "decision": "both have one tax number"}
    said = {**context, "decisions": [*context["decisions"], decision]}
    await steward.checkpoint(TASK, epoch, 0, said, fulfilled=["decision_rationale"])
    await steward.complete(TASK, epoch, {"merged": 1})
    question = await waiting(scenario)
    await decider.api.decide(question.approval_id, approve=True, comment="I see why")

    ended = await scenario.task_in(TASK, "succeeded")
    assert {one.id: one.evidence for one in ended.message.obligations if one.fulfilled} == {
        "decision_rationale": f"phoenix://state/{TASK}/1",
        "human_approval_required": question.approval_id,
    }
    (succeeded,) = await scenario.events("TASK_SUCCEEDED")
    (met,) = succeeded.detail["obligations_met"]
    assert (met["id"], met["evidence"]) == ("human_approval_required", question.approval_id)


async def test_a_parked_result_outlives_its_author(scenario: Scenario) -> None:
    steward, decider, question = await with_a_result(scenario)

    await steward.fall_silent()
    await scenario.event("TASK_ORPHANED")
    await decider.api.decide(question.approval_id, approve=True, comment="good work")

    ended = await scenario.task_in(TASK, "succeeded")
    assert ended.result == {"merged": 1}


async def test_a_refused_result_without_an_author_goes_to_somebody_else(scenario: Scenario) -> None:
    steward, decider, question = await with_a_result(scenario)
    await steward.fall_silent()
    await scenario.event("TASK_ORPHANED")
    await decider.api.decide(question.approval_id, approve=False, comment="one is missing")

    backup = await scenario.participant(BACKUP)
    taken = await backup.take_over(TASK)

    (said,) = taken.briefing.approvals
    assert (said.outcome, said.comment) == ("rejected", "one is missing")
