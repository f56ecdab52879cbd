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


async def parked_assignment(runtime: AssignmentHouse) -> str:
    runtime.registry.join("agent.a")
    runtime.policy.answer = needs_human(DecisionPoint.ASSIGN)
    parked = await runtime.bound("task.one")
    assert (parked.parked, parked.assignment_id) == (True, "")
    return runtime.approvals.open_about("task.one", "assign")


async def test_an_assignment_is_bound_once_a_human_has_approved_its_target(
    runtime: AssignmentHouse,
) -> None:
    approval = await parked_assignment(runtime)
    again = await runtime.assign(runtime.submitter, "task.one")
    assert again.parked
    question = runtime.approvals.questions[approval]
    assert {"ann", "agent.a"} <= set(question.barred)
    runtime.approvals.decide(approval, yes=True)
    runtime.clock.advance(3)
    await runtime.work()
    task = await runtime.task("task.one")
    assert (task.status, task.owner_id) == (TaskStatus.ASSIGNED, "agent.a")
    assert await runtime.story("task.one") == [
        "TASK_SUBMITTED",
        "TASK_PARKED",
        "ASSIGNMENT_CREATED",
    ]


async def test_a_refused_target_is_not_proposed_again_and_the_next_one_is(
    runtime: AssignmentHouse,
) -> None:
    approval = await parked_assignment(runtime)
    runtime.approvals.decide(approval, yes=False, comment="not this one")
    runtime.registry.join("agent.b", cost=9.0)
    runtime.clock.advance(3)
    await runtime.work()
    task = await runtime.task("task.one")
    assert task.parked is not None
    assert task.parked.target == "agent.b"
    runtime.approvals.decide(task.parked.approval_id, yes=True)
    runtime.clock.advance(3)
    await runtime.work()
    assert (await runtime.task("task.one")).owner_id == "agent.b"


async def test_a_yes_for_somebody_whose_gate_closed_meanwhile_is_not_used(
    runtime: AssignmentHouse,
) -> None:
    approval = await parked_assignment(runtime)
    runtime.registry.change("agent.a", status=ParticipantStatus.FAILED)
    await runtime.reconcile(runtime.engine)
    task = await runtime.task("task.one")
    assert (task.status, task.reason) == (TaskStatus.PENDING, "gate_closed")
    await runtime.work()
    assert runtime.approvals.answers[approval].state == "cancelled"


async def test_a_yes_whose_seat_is_gone_leads_back_to_the_queue(runtime: AssignmentHouse) -> None:
    approval = await parked_assignment(runtime)
    runtime.policy.answer = lambda point, question: {"trust": 0.6}
    await runtime.bound("task.two")
    runtime.policy.answer = needs_human(DecisionPoint.ASSIGN)
    runtime.approvals.decide(approval, yes=True)
    runtime.clock.advance(3)
    await runtime.work()
    assert (await runtime.task("task.one")).status is TaskStatus.PENDING
    assert "TASK_UNPARKED" in await runtime.story("task.one")


async def test_policy_is_asked_again_when_the_yes_is_used(runtime: AssignmentHouse) -> None:
    approval = await parked_assignment(runtime)
    runtime.approvals.decide(approval, yes=True)
    runtime.policy.answer = lambda point, question: deny("the rules have changed")
    runtime.clock.advance(3)
    await runtime.work()
    task = await runtime.task("task.one")
    assert task.status is TaskStatus.PENDING
    assert "ASSIGNMENT_CREATED" not in await runtime.story("task.one")


async def parked_result(runtime: AssignmentHouse) -> tuple[str, int]:
    runtime.registry.join("agent.a")
    runtime.policy.answer = needs_human(DecisionPoint.COMPLETE)
    task = await runtime.active("task.one")
    result = Result("task.one", task.epoch, RESULT)
    parked = await runtime.tasks.complete(runtime.agent("agent.a"), result)
    assert parked.task.status is TaskStatus.AWAITING_APPROVAL
    assert parked.task.parked_for is ParkedAction.COMPLETE
    again = await runtime.tasks.complete(runtime.agent("agent.a"), result)
    assert again.task.version == parked.task.version
    return runtime.approvals.open_about("task.one", "complete"), task.epoch


async def test_a_result_ends_the_task_once_a_human_has_approved_it(
    runtime: AssignmentHouse,
) -> None:
    approval, _ = await parked_result(runtime)
    assert runtime.approvals.questions[approval].subject == RESULT
    runtime.approvals.decide(approval, yes=True)
    runtime.clock.advance(3)
    await runtime.work()
    seen = await runtime.tasks.get(runtime.submitter, "task.one")
    assert (seen.task.status, seen.result) == (TaskStatus.SUCCEEDED, RESULT)


async def test_a_refused_result_goes_back_to_its_assignee_who_revises_it(
    runtime: AssignmentHouse,
) -> None:
    approval, epoch = await parked_result(runtime)
    runtime.approvals.decide(approval, yes=False, comment="count again")
    runtime.clock.advance(3)
    await runtime.work()
    task = await runtime.task("task.one")
    assert (task.status, task.epoch, task.reason) == (
        TaskStatus.ACTIVE,
        epoch,
        "approval_refused",
    )
    with pytest.raises(errors.PolicyDenied):
        await runtime.tasks.complete(runtime.agent("agent.a"), Result("task.one", epoch, RESULT))
    revised = await runtime.tasks.complete(
        runtime.agent("agent.a"), Result("task.one", epoch, {"duplicates": 4})
    )
    assert revised.task.status is TaskStatus.AWAITING_APPROVAL
    second = runtime.approvals.open_about("task.one", "complete")
    assert second != approval
    runtime.approvals.decide(second, yes=True)
    runtime.clock.advance(3)
    await runtime.work()
    assert (await runtime.task("task.one")).status is TaskStatus.SUCCEEDED


async def test_an_approved_result_counts_even_if_its_assignee_has_died_since(
    runtime: AssignmentHouse,
) -> None:
    approval, _ = await parked_result(runtime)
    runtime.registry.change("agent.a", status=ParticipantStatus.FAILED)
    await runtime.reconcile(runtime.engine)
    orphan = await runtime.task("task.one")
    assert (orphan.status, orphan.owner_id) == (TaskStatus.AWAITING_APPROVAL, "")
    runtime.approvals.decide(approval, yes=True)
    runtime.clock.advance(3)
    await runtime.work()
    assert (await runtime.task("task.one")).status is TaskStatus.SUCCEEDED
    assert (await runtime.story("task.one"))[-3:] == [
        "TASK_PARKED",
        "TASK_ORPHANED",
        "TASK_SUCCEEDED",
    ]


async def test_a_refused_result_of_an_assignee_that_died_moves_to_the_next_one(
    runtime: AssignmentHouse,
) -> None:
    approval, _ = await parked_result(runtime)
    runtime.registry.change("agent.a", status=ParticipantStatus.FAILED)
    await runtime.reconcile(runtime.engine)
    runtime.registry.join("agent.b")
    runtime.approvals.decide(approval, yes=False)
    runtime.clock.advance(3)
    await runtime.work()
    task = await runtime.task("task.one")
    assert task.status is TaskStatus.MIGRATING
    assert task.handoff_id
    assert (
        await runtime.handoffs.get(runtime.operator, task.handoff_id)
    ).handoff.source == "agent.a"


async def test_a_yes_by_somebody_who_was_suspended_since_is_asked_anew(
    runtime: AssignmentHouse,
) -> None:
    approval, _ = await parked_result(runtime)
    runtime.approvals.decide(approval, yes=True)
    runtime.registry.change("human.1", status=ParticipantStatus.SUSPENDED)
    runtime.registry.join("human.2", type="human", capacity=0)
    runtime.clock.advance(3)
    await runtime.work()
    task = await runtime.task("task.one")
    assert task.status is TaskStatus.AWAITING_APPROVAL
    second = runtime.approvals.open_about("task.one", "complete")
    assert second != approval
    runtime.approvals.decide(second, yes=True, by="human.2")
    runtime.clock.advance(3)
    await runtime.work()
    assert (await runtime.task("task.one")).status is TaskStatus.SUCCEEDED


async def test_an_action_waits_for_a_human_and_another_content_is_asked_anew(
    runtime: AssignmentHouse,
) -> None:
    runtime.registry.join("agent.a")
    runtime.policy.answer = needs_human(DecisionPoint.OPERATE)
    task = await runtime.active("task.one")
    who = runtime.agent("agent.a")

    def merge(*ids: int) -> Action:
        subject = {"merge": list(ids)}
        return Action("task.one", task.epoch, ActionKind.FINAL_ACTION, "merge", subject)

    with pytest.raises(errors.ApprovalRequired) as first:
        await runtime.tasks.authorize(who, merge(1, 2))
    with pytest.raises(errors.ApprovalRequired) as again:
        await runtime.tasks.authorize(who, merge(1, 2))
    assert first.value.facts == again.value.facts
    approval = first.value.facts["approval_id"]
    runtime.approvals.decide(approval, yes=False, comment="2 is another person")
    runtime.clock.advance(3)
    await runtime.work()
    with pytest.raises(errors.PolicyDenied):
        await runtime.tasks.authorize(who, merge(1, 2))
    with pytest.raises(errors.ApprovalRequired) as other:
        await runtime.tasks.authorize(who, merge(1, 3))
    runtime.approvals.decide(other.value.facts["approval_id"], yes=True)
    authorized = await runtime.tasks.authorize(who, merge(1, 3))
    assert authorized.authorization.approval_id == other.value.facts["approval_id"]
    assert (await runtime.tasks.authorize(who, merge(1, 3))).authorization == (
        authorized.authorization
    )


async def test_what_a_human_approved_survives_the_next_owner_and_is_authorized_as_before(
    runtime: AssignmentHouse,
) -> None:
    runtime.registry.join("agent.a")
    runtime.policy.answer = needs_human(DecisionPoint.OPERATE)
    task = await runtime.active("task.one")
    subject = {"merge": [1, 2]}
    action = Action("task.one", task.epoch, ActionKind.FINAL_ACTION, "merge", subject)
    with pytest.raises(errors.ApprovalRequired) as refusal:
        await runtime.tasks.authorize(runtime.agent("agent.a"), action)
    runtime.approvals.decide(refusal.value.facts["approval_id"], yes=True)
    first = await runtime.tasks.authorize(runtime.agent("agent.a"), action)
    await runtime.tasks.fail(
        runtime.agent("agent.a"), "task.one", task.epoch, message="x", retryable=True
    )
    runtime.registry.change("agent.a", status=ParticipantStatus.FAILED)
    runtime.registry.join("agent.b")
    await runtime.work()
    task = await runtime.task("task.one")
    started = await runtime.tasks.start(runtime.agent("agent.b"), "task.one", task.epoch)
    (use,) = started.briefing.approvals
    assert use.authorization_id == first.authorization.authorization_id
    second = await runtime.tasks.authorize(
        runtime.agent("agent.b"),
        Action("task.one", task.epoch, ActionKind.FINAL_ACTION, "merge", subject),
    )
    assert second.authorization.authorization_id == first.authorization.authorization_id
    assert second.authorization.approval_id == first.authorization.approval_id


async def test_ending_a_task_withdraws_what_humans_were_asked_about_it(
    runtime: AssignmentHouse,
) -> None:
    approval, _ = await parked_result(runtime)
    await runtime.tasks.cancel(runtime.submitter, "task.one")
    await runtime.work()
    assert runtime.approvals.answers[approval].state == "cancelled"
