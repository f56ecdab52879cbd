"""What needs a human waits for one, for exactly this content, and policy is asked again (I13)."""

import pytest

from assignment_svc.domain.states import ActionKind, ParkedAction, TaskStatus
from assignment_svc.usecases.actions.action import Action
from assignment_svc.usecases.tasks.complete_task import TaskResult
from assignment_svc.usecases.tasks.fail_task import Failure
from phoenix_runtime.core import errors
from phoenix_runtime.core.standing import ParticipantStatus
from phoenix_runtime.core.verdict import DecisionPoint
from tests.support.fakes.assignment_peers import needs_human
from tests.support.fakes.policy import deny
from tests.support.servers.assignment_service import AssignmentService

RESULT = {"duplicates": 3}


async def parked_assignment(assignment: AssignmentService) -> str:
    assignment.registry.join("agent.a")
    assignment.policy.answer = needs_human(DecisionPoint.ASSIGN)
    parked = await assignment.bound("task.one")
    assert (parked.parked, parked.assignment_id) == (True, "")
    return assignment.approvals.open_about("task.one", "assign")


async def test_an_assignment_is_bound_once_a_human_has_approved_its_target(
    assignment: AssignmentService,
) -> None:
    approval = await parked_assignment(assignment)
    again = await assignment.assign(assignment.submitter, "task.one")
    assert again.parked
    question = assignment.approvals.questions[approval]
    assert {"ann", "agent.a"} <= set(question.barred)
    assignment.approvals.decide(approval, yes=True)
    assignment.clock.advance(3)
    await assignment.work()
    task = await assignment.task("task.one")
    assert (task.status, task.owner_id) == (TaskStatus.ASSIGNED, "agent.a")
    assert await assignment.story("task.one") == [
        "TASK_SUBMITTED",
        "TASK_PARKED",
        "ASSIGNMENT_CREATED",
    ]


async def test_a_refused_target_is_not_proposed_again_and_the_next_one_is(
    assignment: AssignmentService,
) -> None:
    approval = await parked_assignment(assignment)
    assignment.approvals.decide(approval, yes=False, comment="not this one")
    assignment.registry.join("agent.b", cost=9.0)
    assignment.clock.advance(3)
    await assignment.work()
    task = await assignment.task("task.one")
    assert task.parked is not None
    assert task.parked.target == "agent.b"
    assignment.approvals.decide(task.parked.approval_id, yes=True)
    assignment.clock.advance(3)
    await assignment.work()
    assert (await assignment.task("task.one")).owner_id == "agent.b"


async def test_a_yes_for_somebody_whose_gate_closed_meanwhile_is_not_used(
    assignment: AssignmentService,
) -> None:
    approval = await parked_assignment(assignment)
    assignment.registry.change("agent.a", status=ParticipantStatus.FAILED)
    await assignment.reconcile(assignment.engine)
    task = await assignment.task("task.one")
    assert (task.status, task.reason) == (TaskStatus.PENDING, "gate_closed")
    await assignment.work()
    assert assignment.approvals.answers[approval].state == "cancelled"


async def test_a_yes_whose_seat_is_gone_leads_back_to_the_queue(
    assignment: AssignmentService,
) -> None:
    approval = await parked_assignment(assignment)
    assignment.policy.answer = lambda point, question: {"trust": 0.6}
    await assignment.bound("task.two")
    assignment.policy.answer = needs_human(DecisionPoint.ASSIGN)
    assignment.approvals.decide(approval, yes=True)
    assignment.clock.advance(3)
    await assignment.work()
    assert (await assignment.task("task.one")).status is TaskStatus.PENDING
    assert "TASK_UNPARKED" in await assignment.story("task.one")


async def test_policy_is_asked_again_when_the_yes_is_used(assignment: AssignmentService) -> None:
    approval = await parked_assignment(assignment)
    assignment.approvals.decide(approval, yes=True)
    assignment.policy.answer = lambda point, question: deny("the rules have changed")
    assignment.clock.advance(3)
    await assignment.work()
    task = await assignment.task("task.one")
    assert task.status is TaskStatus.PENDING
    assert "ASSIGNMENT_CREATED" not in await assignment.story("task.one")


async def parked_result(assignment: AssignmentService) -> tuple[str, int]:
    assignment.registry.join("agent.a")
    assignment.policy.answer = needs_human(DecisionPoint.COMPLETE)
    task = await assignment.active("task.one")
    result = TaskResult("task.one", task.epoch, RESULT)
    parked = await assignment.tasks.complete(assignment.agent("agent.a"), result)
    assert parked.task.status is TaskStatus.AWAITING_APPROVAL
    assert parked.task.parked_for is ParkedAction.COMPLETE
    again = await assignment.tasks.complete(assignment.agent("agent.a"), result)
    assert again.task.version == parked.task.version
    return assignment.approvals.open_about("task.one", "complete"), task.epoch


async def test_a_result_ends_the_task_once_a_human_has_approved_it(
    assignment: AssignmentService,
) -> None:
    approval, _ = await parked_result(assignment)
    assert assignment.approvals.questions[approval].subject == RESULT
    assignment.approvals.decide(approval, yes=True)
    assignment.clock.advance(3)
    await assignment.work()
    seen = await assignment.tasks.get(assignment.submitter, "task.one")
    assert (seen.task.status, seen.result) == (TaskStatus.SUCCEEDED, RESULT)


async def test_a_refused_result_goes_back_to_its_assignee_who_revises_it(
    assignment: AssignmentService,
) -> None:
    approval, epoch = await parked_result(assignment)
    assignment.approvals.decide(approval, yes=False, comment="count again")
    assignment.clock.advance(3)
    await assignment.work()
    task = await assignment.task("task.one")
    assert (task.status, task.epoch, task.reason) == (
        TaskStatus.ACTIVE,
        epoch,
        "approval_refused",
    )
    with pytest.raises(errors.PolicyDenied):
        await assignment.tasks.complete(
            assignment.agent("agent.a"), TaskResult("task.one", epoch, RESULT)
        )
    revised = await assignment.tasks.complete(
        assignment.agent("agent.a"), TaskResult("task.one", epoch, {"duplicates": 4})
    )
    assert revised.task.status is TaskStatus.AWAITING_APPROVAL
    second = assignment.approvals.open_about("task.one", "complete")
    assert second != approval
    assignment.approvals.decide(second, yes=True)
    assignment.clock.advance(3)
    await assignment.work()
    assert (await assignment.task("task.one")).status is TaskStatus.SUCCEEDED


async def test_an_approved_result_counts_even_if_its_assignee_has_died_since(
    assignment: AssignmentService,
) -> None:
    approval, _ = await parked_result(assignment)
    assignment.registry.change("agent.a", status=ParticipantStatus.FAILED)
    await assignment.reconcile(assignment.engine)
    orphan = await assignment.task("task.one")
    assert (orphan.status, orphan.owner_id) == (TaskStatus.AWAITING_APPROVAL, "")
    assignment.approvals.decide(approval, yes=True)
    assignment.clock.advance(3)
    await assignment.work()
    assert (await assignment.task("task.one")).status is TaskStatus.SUCCEEDED
    assert (await assignment.story("task.one"))[-3:] == [
        "TASK_PARKED",
        "TASK_ORPHANED",
        "TASK_SUCCEEDED",
    ]


async def test_a_refused_result_of_an_assignee_that_died_moves_to_the_next_one(
    assignment: AssignmentService,
) -> None:
    approval, _ = await parked_result(assignment)
    assignment.registry.change("agent.a", status=ParticipantStatus.FAILED)
    await assignment.reconcile(assignment.engine)
    assignment.registry.join("agent.b")
    assignment.approvals.decide(approval, yes=False)
    assignment.clock.advance(3)
    await assignment.work()
    task = await assignment.task("task.one")
    assert task.status is TaskStatus.MIGRATING
    assert task.handoff_id
    assert (
        await assignment.handoffs.get(assignment.operator, task.handoff_id)
    ).handoff.source == "agent.a"


async def test_a_yes_by_somebody_who_was_suspended_since_is_asked_anew(
    assignment: AssignmentService,
) -> None:
    approval, _ = await parked_result(assignment)
    assignment.approvals.decide(approval, yes=True)
    assignment.registry.change("human.1", status=ParticipantStatus.SUSPENDED)
    assignment.registry.join("human.2", type="human", capacity=0)
    assignment.clock.advance(3)
    await assignment.work()
    task = await assignment.task("task.one")
    assert task.status is TaskStatus.AWAITING_APPROVAL
    second = assignment.approvals.open_about("task.one", "complete")
    assert second != approval
    assignment.approvals.decide(second, yes=True, by="human.2")
    assignment.clock.advance(3)
    await assignment.work()
    assert (await assignment.task("task.one")).status is TaskStatus.SUCCEEDED


async def test_an_action_waits_for_a_human_and_another_content_is_asked_anew(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    assignment.policy.answer = needs_human(DecisionPoint.OPERATE)
    task = await assignment.active("task.one")
    who = assignment.agent("agent.a")

    def merge(*ids: int) -> Action:
        subject = {"merge": list(ids)}
        return Action("task.one", task.epoch, ActionKind.FINAL_ACTION, "merge", subject)

    with pytest.raises(errors.ApprovalRequired) as first:
        await assignment.tasks.authorize(who, merge(1, 2))
    with pytest.raises(errors.ApprovalRequired) as again:
        await assignment.tasks.authorize(who, merge(1, 2))
    assert first.value.facts == again.value.facts
    approval = first.value.facts["approval_id"]
    assignment.approvals.decide(approval, yes=False, comment="2 is another person")
    assignment.clock.advance(3)
    await assignment.work()
    with pytest.raises(errors.PolicyDenied):
        await assignment.tasks.authorize(who, merge(1, 2))
    with pytest.raises(errors.ApprovalRequired) as other:
        await assignment.tasks.authorize(who, merge(1, 3))
    assignment.approvals.decide(other.value.facts["approval_id"], yes=True)
    authorized = await assignment.tasks.authorize(who, merge(1, 3))
    assert authorized.authorization.approval_id == other.value.facts["approval_id"]
    assert (await assignment.tasks.authorize(who, merge(1, 3))).authorization == (
        authorized.authorization
    )


async def test_what_a_human_approved_survives_the_next_owner_and_is_authorized_as_before(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    assignment.policy.answer = needs_human(DecisionPoint.OPERATE)
    task = await assignment.active("task.one")
    subject = {"merge": [1, 2]}
    action = Action("task.one", task.epoch, ActionKind.FINAL_ACTION, "merge", subject)
    with pytest.raises(errors.ApprovalRequired) as refusal:
        await assignment.tasks.authorize(assignment.agent("agent.a"), action)
    assignment.approvals.decide(refusal.value.facts["approval_id"], yes=True)
    first = await assignment.tasks.authorize(assignment.agent("agent.a"), action)
    await assignment.tasks.fail(
        assignment.agent("agent.a"), "task.one", task.epoch, Failure("x", retryable=True)
    )
    assignment.registry.change("agent.a", status=ParticipantStatus.FAILED)
    assignment.registry.join("agent.b")
    await assignment.work()
    task = await assignment.task("task.one")
    started = await assignment.tasks.start(assignment.agent("agent.b"), "task.one", task.epoch)
    (use,) = started.briefing.approvals
    assert use.authorization_id == first.authorization.authorization_id
    second = await assignment.tasks.authorize(
        assignment.agent("agent.b"),
        Action("task.one", task.epoch, ActionKind.FINAL_ACTION, "merge", subject),
    )
    assert second.authorization.authorization_id == first.authorization.authorization_id
    assert second.authorization.approval_id == first.authorization.approval_id


async def test_ending_a_task_withdraws_what_humans_were_asked_about_it(
    assignment: AssignmentService,
) -> None:
    approval, _ = await parked_result(assignment)
    await assignment.tasks.cancel(assignment.submitter, "task.one")
    await assignment.work()
    assert assignment.approvals.answers[approval].state == "cancelled"
