"""What needs a human waits for one, for exactly this content, and policy is asked again (I13)."""

import pytest

from assignment_svc.domain.states import ActionKind, ParkedAction, TaskStatus
from assignment_svc.usecases.authorize_action import Action
from assignment_svc.usecases.complete_task import Result
from phoenix_runtime.core import errors
from phoenix_runtime.core.standing import ParticipantStatus
from phoenix_runtime.core.verdict import DecisionPoint
from tests.support.assignment_house import AssignmentHouse
from tests.support.peers_of_assignment import needs_human
from tests.support.policies import deny

RESULT = {"duplicates": 3}


async def parked_assignment(house: AssignmentHouse) -> str:
    house.registry.join("agent.a")
    house.policy.answer = needs_human(DecisionPoint.ASSIGN)
    parked = await house.bound("task.one")
    assert (parked.parked, parked.assignment_id) == (True, "")
    return house.approvals.open_about("task.one", "assign")


async def test_an_assignment_is_bound_once_a_human_has_approved_its_target(
    house: AssignmentHouse,
) -> None:
    approval = await parked_assignment(house)
    again = await house.assign(house.submitter, "task.one")
    assert again.parked
    question = house.approvals.questions[approval]
    assert {"ann", "agent.a"} <= set(question.barred)
    house.approvals.decide(approval, yes=True)
    house.clock.advance(3)
    await house.work()
    task = await house.task("task.one")
    assert (task.status, task.owner_id) == (TaskStatus.ASSIGNED, "agent.a")
    assert await house.story("task.one") == [
        "TASK_SUBMITTED",
        "TASK_PARKED",
        "ASSIGNMENT_CREATED",
    ]


async def test_a_refused_target_is_not_proposed_again_and_the_next_one_is(
    house: AssignmentHouse,
) -> None:
    approval = await parked_assignment(house)
    house.approvals.decide(approval, yes=False, comment="not this one")
    house.registry.join("agent.b", cost=9.0)
    house.clock.advance(3)
    await house.work()
    task = await house.task("task.one")
    assert task.parked is not None
    assert task.parked.target == "agent.b"
    house.approvals.decide(task.parked.approval_id, yes=True)
    house.clock.advance(3)
    await house.work()
    assert (await house.task("task.one")).owner_id == "agent.b"


async def test_a_yes_for_somebody_whose_gate_closed_meanwhile_is_not_used(
    house: AssignmentHouse,
) -> None:
    approval = await parked_assignment(house)
    house.registry.change("agent.a", status=ParticipantStatus.FAILED)
    await house.reconcile(house.engine)
    task = await house.task("task.one")
    assert (task.status, task.reason) == (TaskStatus.PENDING, "gate_closed")
    await house.work()
    assert house.approvals.answers[approval].state == "cancelled"


async def test_a_yes_whose_seat_is_gone_leads_back_to_the_queue(house: AssignmentHouse) -> None:
    approval = await parked_assignment(house)
    house.policy.answer = lambda point, question: {"trust": 0.6}
    await house.bound("task.two")
    house.policy.answer = needs_human(DecisionPoint.ASSIGN)
    house.approvals.decide(approval, yes=True)
    house.clock.advance(3)
    await house.work()
    assert (await house.task("task.one")).status is TaskStatus.PENDING
    assert "TASK_UNPARKED" in await house.story("task.one")


async def test_policy_is_asked_again_when_the_yes_is_used(house: AssignmentHouse) -> None:
    approval = await parked_assignment(house)
    house.approvals.decide(approval, yes=True)
    house.policy.answer = lambda point, question: deny("the rules have changed")
    house.clock.advance(3)
    await house.work()
    task = await house.task("task.one")
    assert task.status is TaskStatus.PENDING
    assert "ASSIGNMENT_CREATED" not in await house.story("task.one")


async def parked_result(house: AssignmentHouse) -> tuple[str, int]:
    house.registry.join("agent.a")
    house.policy.answer = needs_human(DecisionPoint.COMPLETE)
    task = await house.active("task.one")
    result = Result("task.one", task.epoch, RESULT)
    parked = await house.tasks.complete(house.agent("agent.a"), result)
    assert parked.task.status is TaskStatus.AWAITING_APPROVAL
    assert parked.task.parked_for is ParkedAction.COMPLETE
    again = await house.tasks.complete(house.agent("agent.a"), result)
    assert again.task.version == parked.task.version
    return house.approvals.open_about("task.one", "complete"), task.epoch


async def test_a_result_ends_the_task_once_a_human_has_approved_it(
    house: AssignmentHouse,
) -> None:
    approval, _ = await parked_result(house)
    assert house.approvals.questions[approval].subject == RESULT
    house.approvals.decide(approval, yes=True)
    house.clock.advance(3)
    await house.work()
    seen = await house.tasks.get(house.submitter, "task.one")
    assert (seen.task.status, seen.result) == (TaskStatus.SUCCEEDED, RESULT)


async def test_a_refused_result_goes_back_to_its_assignee_who_revises_it(
    house: AssignmentHouse,
) -> None:
    approval, epoch = await parked_result(house)
    house.approvals.decide(approval, yes=False, comment="count again")
    house.clock.advance(3)
    await house.work()
    task = await house.task("task.one")
    assert (task.status, task.epoch, task.reason) == (
        TaskStatus.ACTIVE,
        epoch,
        "approval_refused",
    )
    with pytest.raises(errors.PolicyDenied):
        await house.tasks.complete(house.agent("agent.a"), Result("task.one", epoch, RESULT))
    revised = await house.tasks.complete(
        house.agent("agent.a"), Result("task.one", epoch, {"duplicates": 4})
    )
    assert revised.task.status is TaskStatus.AWAITING_APPROVAL
    second = house.approvals.open_about("task.one", "complete")
    assert second != approval
    house.approvals.decide(second, yes=True)
    house.clock.advance(3)
    await house.work()
    assert (await house.task("task.one")).status is TaskStatus.SUCCEEDED


async def test_an_approved_result_counts_even_if_its_assignee_has_died_since(
    house: AssignmentHouse,
) -> None:
    approval, _ = await parked_result(house)
    house.registry.change("agent.a", status=ParticipantStatus.FAILED)
    await house.reconcile(house.engine)
    orphan = await house.task("task.one")
    assert (orphan.status, orphan.owner_id) == (TaskStatus.AWAITING_APPROVAL, "")
    house.approvals.decide(approval, yes=True)
    house.clock.advance(3)
    await house.work()
    assert (await house.task("task.one")).status is TaskStatus.SUCCEEDED
    assert (await house.story("task.one"))[-3:] == [
        "TASK_PARKED",
        "TASK_ORPHANED",
        "TASK_SUCCEEDED",
    ]


async def test_a_refused_result_of_an_assignee_that_died_moves_to_the_next_one(
    house: AssignmentHouse,
) -> None:
    approval, _ = await parked_result(house)
    house.registry.change("agent.a", status=ParticipantStatus.FAILED)
    await house.reconcile(house.engine)
    house.registry.join("agent.b")
    house.approvals.decide(approval, yes=False)
    house.clock.advance(3)
    await house.work()
    task = await house.task("task.one")
    assert task.status is TaskStatus.MIGRATING
    assert task.handoff_id
    assert (await house.handoffs.get(house.operator, task.handoff_id)).handoff.source == "agent.a"


async def test_a_yes_by_somebody_who_was_suspended_since_is_asked_anew(
    house: AssignmentHouse,
) -> None:
    approval, _ = await parked_result(house)
    house.approvals.decide(approval, yes=True)
    house.registry.change("human.1", status=ParticipantStatus.SUSPENDED)
    house.registry.join("human.2", type="human", capacity=0)
    house.clock.advance(3)
    await house.work()
    task = await house.task("task.one")
    assert task.status is TaskStatus.AWAITING_APPROVAL
    second = house.approvals.open_about("task.one", "complete")
    assert second != approval
    house.approvals.decide(second, yes=True, by="human.2")
    house.clock.advance(3)
    await house.work()
    assert (await house.task("task.one")).status is TaskStatus.SUCCEEDED


async def test_an_action_waits_for_a_human_and_another_content_is_asked_anew(
    house: AssignmentHouse,
) -> None:
    house.registry.join("agent.a")
    house.policy.answer = needs_human(DecisionPoint.OPERATE)
    task = await house.active("task.one")
    who = house.agent("agent.a")

    def merge(*ids: int) -> Action:
        subject = {"merge": list(ids)}
        return Action("task.one", task.epoch, ActionKind.FINAL_ACTION, "merge", subject)

    with pytest.raises(errors.ApprovalRequired) as first:
        await house.tasks.authorize(who, merge(1, 2))
    with pytest.raises(errors.ApprovalRequired) as again:
        await house.tasks.authorize(who, merge(1, 2))
    assert first.value.facts == again.value.facts
    approval = first.value.facts["approval_id"]
    house.approvals.decide(approval, yes=False, comment="2 is another person")
    house.clock.advance(3)
    await house.work()
    with pytest.raises(errors.PolicyDenied):
        await house.tasks.authorize(who, merge(1, 2))
    with pytest.raises(errors.ApprovalRequired) as other:
        await house.tasks.authorize(who, merge(1, 3))
    house.approvals.decide(other.value.facts["approval_id"], yes=True)
    authorized = await house.tasks.authorize(who, merge(1, 3))
    assert authorized.authorization.approval_id == other.value.facts["approval_id"]
    assert (await house.tasks.authorize(who, merge(1, 3))).authorization == (
        authorized.authorization
    )


async def test_what_a_human_approved_survives_the_next_owner_and_is_authorized_as_before(
    house: AssignmentHouse,
) -> None:
    house.registry.join("agent.a")
    house.policy.answer = needs_human(DecisionPoint.OPERATE)
    task = await house.active("task.one")
    subject = {"merge": [1, 2]}
    action = Action("task.one", task.epoch, ActionKind.FINAL_ACTION, "merge", subject)
    with pytest.raises(errors.ApprovalRequired) as refusal:
        await house.tasks.authorize(house.agent("agent.a"), action)
    house.approvals.decide(refusal.value.facts["approval_id"], yes=True)
    first = await house.tasks.authorize(house.agent("agent.a"), action)
    await house.tasks.fail(
        house.agent("agent.a"), "task.one", task.epoch, message="x", retryable=True
    )
    house.registry.change("agent.a", status=ParticipantStatus.FAILED)
    house.registry.join("agent.b")
    await house.work()
    task = await house.task("task.one")
    started = await house.tasks.start(house.agent("agent.b"), "task.one", task.epoch)
    (use,) = started.briefing.approvals
    assert use.authorization_id == first.authorization.authorization_id
    second = await house.tasks.authorize(
        house.agent("agent.b"),
        Action("task.one", task.epoch, ActionKind.FINAL_ACTION, "merge", subject),
    )
    assert second.authorization.authorization_id == first.authorization.authorization_id
    assert second.authorization.approval_id == first.authorization.approval_id


async def test_ending_a_task_withdraws_what_humans_were_asked_about_it(
    house: AssignmentHouse,
) -> None:
    approval, _ = await parked_result(house)
    await house.tasks.cancel(house.submitter, "task.one")
    await house.work()
    assert house.approvals.answers[approval].state == "cancelled"
