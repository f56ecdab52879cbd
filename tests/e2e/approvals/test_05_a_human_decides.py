"""What needs a human does not happen before a distinct human said yes, to this content."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix_dma.errors import (
    ApprovalRequired,
    NotPermitted,
    PhoenixError,
    PolicyDenied,
)
from phoenix_dma.v1 import approval_pb2
from tests.e2e.scenarios.humans import HUMAN, asked_once, human, waiting
from tests.e2e.scenarios.scenario import BACKUP, STEWARD, TASK, Scenario

MERGE = ["human_approval_required_for_merge"]


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
