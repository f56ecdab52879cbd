"""A yes by somebody whom the present owner's credential enrolled is the owner's own (I13)."""

import pytest

from assignment_svc.domain.states import ActionKind
from assignment_svc.usecases.tasks.action import Action
from phoenix_runtime.core import errors
from phoenix_runtime.core.verdict import DecisionPoint
from tests.support.fakes.assignment_peers import needs_human
from tests.support.servers.assignment_service import AssignmentService


async def test_a_yes_by_somebody_whom_the_present_owner_enrolled_is_asked_anew(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a", credential="enrolment.a")
    assignment.policy.answer = needs_human(DecisionPoint.OPERATE)
    task = await assignment.active("task.one")
    action = Action("task.one", task.epoch, ActionKind.FINAL_ACTION, "merge", {"keep": "rec-1"})
    who = assignment.agent("agent.a")
    with pytest.raises(errors.ApprovalRequired):
        await assignment.tasks.authorize(who, action)
    first = assignment.approvals.open_about("task.one", "merge")
    assert assignment.approvals.questions[first].barred_credentials == ("enrolment.a",)
    assignment.approvals.decide(first, yes=True)
    # Governance lets nobody decide whom the asker enrolled; a later owner is another matter.
    assignment.approvals.descend(first, "enrolment.jane", "enrolment.a")
    with pytest.raises(errors.ApprovalRequired):
        await assignment.tasks.authorize(who, action)
    second = assignment.approvals.open_about("task.one", "merge")
    assert assignment.approvals.questions[second].supersedes == first
    actor, what, facts = assignment.access.refusals[-1]
    assert (what, actor, facts["decided_by"]) == ("approval.use", "agent.a", "human.1")
    assignment.approvals.decide(second, yes=True)
    assert (await assignment.tasks.authorize(who, action)).authorization.approval_id == second
