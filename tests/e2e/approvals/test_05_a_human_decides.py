"""What needs a human does not happen before a distinct human said yes, to this content."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix_dma.errors import (
    ApprovalRequired,
    FieldInvalid,
    NotPermitted,
    PhoenixError,
    PolicyDenied,
)
from phoenix_dma.v1 import approval_pb2
from tests.e2e.scenarios.humans import HUMAN, asked_once, human, waiting
from tests.e2e.scenarios.participant import Participant
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario

MERGE = ["human_approval_required_for_merge"]
RESULT = ["human_approval_required"]


def proposal(*pairs: str) -> dict[str, object]:
    return {"merge": list(pairs), "into": "customer.1"}


async def test_a_merge_is_rejected_revised_asked_anew_approved_and_only_then_carried_out(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD)
    decider = await human(scenario)
    await scenario.submit(policy_constraints=MERGE)
    epoch = (await steward.take(TASK)).task.epoch
    merge: dict[str, Any] = {"kind": "final_action", "name": "merge", "domain": "customer_master"}

    first = await asked_once(scenario, steward, epoch, subject=proposal("customer.2"), **merge)
    await decider.api.decide(
        first.approval_id,
        approve=False,
        comment="customer.2 is somebody else",
        subject_hash=first.subject_hash,
    )
    await steward.directive("approval_decided", TASK)
    with pytest.raises(PolicyDenied) as refused:
        await steward.authorize(TASK, epoch, subject=proposal("customer.2"), **merge)
    # Whoever asks may be a successor, or restarted, and never have waited for the answer.
    assert refused.value.facts["approval_id"] == first.approval_id

    second = await asked_once(scenario, steward, epoch, subject=proposal("customer.3"), **merge)
    assert second.approval_id != first.approval_id
    await decider.api.decide(second.approval_id, approve=True, comment="these two are one")
    await steward.directive("approval_decided", TASK)

    leave = await steward.authorize(TASK, epoch, subject=proposal("customer.3"), **merge)
    assert leave.approval_id == second.approval_id
    repeated = await steward.authorize(TASK, epoch, subject=proposal("customer.3"), **merge)
    assert repeated.authorization_id == leave.authorization_id, "the tool's idempotency key"
    await steward.complete(TASK, epoch, {"merged": ["customer.3"]})

    decided = await scenario.events("APPROVAL_DECIDED")
    assert [event.actor for event in decided] == [HUMAN, HUMAN]
    (allowed,) = await scenario.events("ACTION_AUTHORIZED")
    assert allowed.detail["subject_hash"] == second.subject_hash


async def test_whoever_submitted_or_worked_on_a_task_may_not_decide_about_it(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD)
    submitter = await human(scenario, "human.submitter.01")
    submitting = await scenario.person("human.submitter.01", "submitter")
    await submitting.submit(
        scenario.task(policy_constraints=MERGE)  # the human is who submits
    )
    epoch = (await steward.take(TASK)).task.epoch
    with pytest.raises(ApprovalRequired):
        await steward.authorize(
            TASK, epoch, "final_action", "merge", subject=proposal("customer.2")
        )
    question = await waiting(scenario)

    with pytest.raises(PhoenixError) as refused:
        await submitter.api.decide(question.approval_id, approve=True, comment="it is mine")
    assert refused.value.reason in {NotPermitted.reason, PolicyDenied.reason}

    worker = await scenario.person(STEWARD, "participant", "reviewer")
    with pytest.raises(PhoenixError) as refused:
        await worker.decide(question.approval_id, approve=True, comment="I did it well")
    assert refused.value.reason in {NotPermitted.reason, PolicyDenied.reason}
    operator = await scenario.operator()
    with pytest.raises(PhoenixError) as refused:  # a reviewer, but no participant and no human
        await operator.decide(question.approval_id, approve=True, comment="I run the runtime")
    assert refused.value.reason in {NotPermitted.reason, PolicyDenied.reason}

    found = await operator.get_approval(question.approval_id)
    assert found.status == approval_pb2.APPROVAL_STATUS_PENDING
    decider = await human(scenario)
    await decider.api.decide(question.approval_id, approve=True, comment="looked at both")


async def test_a_human_who_worked_on_a_task_may_not_decide_about_it_either(
    scenario: Scenario,
) -> None:
    worker = await scenario.participant(
        "human.worker.01", type="human", roles=("participant", "reviewer"), owner="data-stewards"
    )
    await scenario.submit(policy_constraints=MERGE)
    epoch = (await scenario.task_in(TASK, "assigned")).epoch
    await worker.start(TASK, epoch)
    with pytest.raises(ApprovalRequired):
        await worker.authorize(TASK, epoch, "final_action", "merge", subject=proposal("customer.2"))
    question = await waiting(scenario)

    with pytest.raises(PolicyDenied):
        await worker.api.decide(question.approval_id, approve=True, comment="I did it well")
    decider = await human(scenario)
    await decider.api.decide(question.approval_id, approve=True, comment="looked at both")

    await worker.authorize(TASK, epoch, "final_action", "merge", subject=proposal("customer.2"))


async def test_an_approval_for_content_survives_a_migration(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    decider = await human(scenario)
    await scenario.submit(policy_constraints=MERGE)
    epoch = (await steward.take(TASK)).task.epoch
    merge: dict[str, Any] = {
        "kind": "final_action",
        "name": "merge",
        "subject": proposal("customer.2"),
    }
    with pytest.raises(ApprovalRequired):
        await steward.authorize(TASK, epoch, **merge)
    question = await waiting(scenario)
    backup = await scenario.participant(BACKUP)
    await (await scenario.operator()).hand_off(TASK)
    taken = await backup.take_over(TASK)
    await decider.api.decide(question.approval_id, approve=True, comment="yes")
    await backup.directive("approval_decided", TASK)

    leave = await backup.authorize(TASK, taken.briefing.task.epoch, **merge)

    assert leave.approval_id == question.approval_id
    assert len(await scenario.events("APPROVAL_REQUESTED")) == 1, "nobody was asked twice"
    await backup.complete(TASK, taken.briefing.task.epoch, {"merged": ["customer.2"]})


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


async def test_a_handoff_waits_for_a_human_where_the_task_asks_for_one(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    decider = await human(scenario)
    await scenario.submit(policy_constraints=["human_approval_required_for_handoff"])
    epoch = (await steward.take(TASK)).task.epoch
    backup = await scenario.participant(BACKUP)
    await (await scenario.operator()).hand_off(TASK)
    question = await waiting(scenario)
    await steward.checkpoint(TASK, epoch, 0, {"outputs": {"checked": [1]}})
    await decider.api.decide(question.approval_id, approve=True, comment="they know the case")

    await backup.take_over(TASK)

    story = await scenario.story(TASK)
    assert story.index("HANDOFF_PARKED") < story.index("HANDOFF_CLEARED")
    assert story.index("HANDOFF_CLEARED") < story.index("TASK_MIGRATING")


async def test_an_assignment_waits_for_a_human_where_the_task_asks_for_one(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD)
    decider = await human(scenario)
    await scenario.submit(policy_constraints=["human_approval_required_for_assignment"])
    question = await waiting(scenario)
    await scenario.task_in(TASK, "awaiting_approval")
    await decider.api.decide(question.approval_id, approve=True, comment="a good choice")

    await steward.take(TASK)

    assert await scenario.story(TASK) == [
        "TASK_SUBMITTED",
        "TASK_PARKED",
        "ASSIGNMENT_CREATED",
        "TASK_STARTED",
    ]


async def test_a_refused_assignment_is_not_proposed_again(scenario: Scenario) -> None:
    await scenario.participant(STEWARD)
    decider = await human(scenario)
    await scenario.submit(policy_constraints=["human_approval_required_for_assignment"])
    first = await waiting(scenario)
    await decider.api.decide(first.approval_id, approve=False, comment="not this one")
    await scenario.task_in(TASK, "pending")
    backup = await scenario.participant(BACKUP)

    second = await waiting(scenario)

    assert second.subject_hash != first.subject_hash
    await decider.api.decide(second.approval_id, approve=True, comment="this one")
    await backup.take(TASK)


async def test_a_question_about_an_assignment_is_withdrawn_when_its_target_is_gone(
    scenario: Scenario,
) -> None:
    steward = await scenario.participant(STEWARD)
    await human(scenario)
    await scenario.submit(policy_constraints=["human_approval_required_for_assignment"])
    question = await waiting(scenario)

    await steward.say_goodbye()

    await scenario.task_in(TASK, "pending")
    cancelled = await scenario.event("APPROVAL_CANCELLED")
    assert cancelled.aggregate == f"approval/{question.approval_id}"
    assert "TASK_UNPARKED" in await scenario.story(TASK)


async def test_a_refused_target_of_a_handoff_is_not_offered_the_task(scenario: Scenario) -> None:
    steward = await scenario.participant(STEWARD)
    decider = await human(scenario)
    await scenario.submit(policy_constraints=["human_approval_required_for_handoff"])
    epoch = (await steward.take(TASK)).task.epoch
    await scenario.participant(BACKUP)
    await steward.hand_off(TASK)
    question = await waiting(scenario)
    await decider.api.decide(question.approval_id, approve=False, comment="they are new here")

    await scenario.event("HANDOFF_DENIED", participant=BACKUP)

    assert "TASK_MIGRATING" not in await scenario.story(TASK)
    await scenario.event("HANDOFF_DENIED", reason_code="no_eligible_participant")
    await steward.complete(TASK, epoch, {"merged": 0})
