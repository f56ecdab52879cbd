"""What a caller tries that the verbs do not mean."""

import asyncio
from dataclasses import replace

import pytest

from assignment_svc.domain.handoff import Acceptance
from assignment_svc.domain.states import ActionKind, RetirementMode, TaskStatus
from assignment_svc.usecases.actions.action import Action
from assignment_svc.usecases.handoff.complete_handoff import HandoffCompletion
from assignment_svc.usecases.membership.retire_participant import RetirementRequest
from assignment_svc.usecases.tasks.fail_task import Failure
from phoenix_runtime.core import errors
from phoenix_runtime.core.standing import ParticipantStatus
from phoenix_runtime.core.verdict import DecisionPoint
from tests.support.builders.calls import repeatable
from tests.support.fakes.assignment_peers import needs_human
from tests.support.servers.assignment_service import AssignmentService, declaration

LOOKALIKES = [
    "m\u0435rge",  # a Cyrillic letter
    "\uff4derge",
    "mer\u00adge",
    "merge\u200b",
    "merge ",
    " merge",
    "merge\n",
    "",
    "x" * 129,
]


@pytest.mark.parametrize("name", LOOKALIKES, ids=ascii)
async def test_a_name_that_only_looks_like_a_gated_one_is_refused(
    assignment: AssignmentService, name: str
) -> None:
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    with pytest.raises(errors.FieldInvalid):
        await assignment.tasks.authorize(
            assignment.agent("agent.a"),
            Action("task.one", task.epoch, ActionKind.FINAL_ACTION, name, {}),
        )


async def test_the_same_content_done_as_something_else_is_told_too(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    read = Action("task.one", task.epoch, ActionKind.DATA_READ, "customers", {"id": 1})
    for action in (
        read,
        read,
        replace(read, kind=ActionKind.DATA_MUTATION),
        replace(read, kind=ActionKind.DATA_MUTATION, domain="customer_master"),
    ):
        await assignment.tasks.authorize(assignment.agent("agent.a"), action)
    told = [
        (event.detail["kind"], event.detail["domain"])
        for event in sorted(
            (await assignment.evidence()).events, key=lambda event: event.aggregate_version
        )
        if event.type == "ACTION_AUTHORIZED"
    ]
    assert told == [
        ("data_read", ""),
        ("data_mutation", ""),
        ("data_mutation", "customer_master"),
    ]


async def test_a_task_without_an_id_is_made_once_however_often_nobody_can_take_it(
    assignment: AssignmentService,
) -> None:
    call = repeatable(assignment.submitter, "req.1")

    async def assign() -> None:
        with pytest.raises(errors.NoEligibleParticipant):
            await assignment.tasks.assign(call, declaration())

    await asyncio.gather(*(assign() for _ in range(4)))
    await assign()
    with pytest.raises(errors.RequestIdReused):
        await assignment.tasks.assign(call, declaration(objective="something else"))
    (waiting,) = (await assignment.evidence()).tasks
    assert waiting.status == TaskStatus.PENDING
    assignment.registry.join("agent.a")
    assert (await assignment.tasks.assign(call, declaration())).participant_id == "agent.a"
    assert len((await assignment.evidence()).tasks) == 1


async def test_another_caller_s_request_id_is_another_request(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a", capacity=2)
    for caller in (assignment.submitter, assignment.operator):
        await assignment.tasks.assign(repeatable(caller, "req.1"), declaration())
    assert len((await assignment.evidence()).tasks) == 2


async def test_a_retirement_is_answered_as_its_repetition_will_be(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    remembered: list[object] = []

    def encode(result: object) -> bytes:
        remembered.append(result)
        return b"answer"

    call = repeatable(assignment.operator, "req.1", encode=encode)
    answer = await assignment.handoffs.retire(
        call, RetirementRequest("agent.a", RetirementMode.IMMEDIATE)
    )
    assert answer.retirement.finished
    assert remembered == [answer]


async def test_a_target_that_has_lost_the_task_since_hears_so_when_it_repeats_its_answer(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    await assignment.checkpoint(await assignment.active("task.one"))
    taken = []
    for owner, target in [("agent.a", "agent.b"), ("agent.b", "agent.c")]:
        assignment.registry.change(owner, status=ParticipantStatus.FAILED)
        assignment.registry.join(target)
        await assignment.reconcile(assignment.engine)
        await assignment.work()
        handoff_id = (await assignment.task("task.one")).handoff_id
        handoff = (await assignment.handoffs.get(assignment.operator, handoff_id)).handoff
        assert handoff.offer is not None
        received = (await assignment.take_over(handoff, target)).handoff.received_hash
        taken.append(
            HandoffCompletion(handoff_id, handoff.offer.offer_id, Acceptance(received, ()))
        )
        repeated = await assignment.handoffs.complete(assignment.agent(target), taken[-1])
        assert repeated.briefing.task.owner_id == target
    with pytest.raises(errors.StaleAssignment):
        await assignment.handoffs.complete(assignment.agent("agent.b"), taken[0])


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
    asked = assignment.approvals.questions[first]
    assert asked.barred_credentials == ("enrolment.a",)
    assert asked.barred_owners == ("data-governance",)
    assert asked.barred == ("ann", "agent.a")
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


async def test_a_yes_of_whoever_owns_the_next_worker_is_asked_anew(
    assignment: AssignmentService,
) -> None:
    """Otto decides as a third party; then his own agent takes the task over, and uses it."""
    otto = "human.otto"
    assignment.registry.join(otto, type="human", capacity=0, credential="enrolment.otto")
    assignment.registry.join("agent.a")
    assignment.policy.answer = needs_human(DecisionPoint.OPERATE)
    task = await assignment.active("task.one")
    action = Action("task.one", task.epoch, ActionKind.FINAL_ACTION, "merge", {"keep": "rec-1"})
    with pytest.raises(errors.ApprovalRequired):
        await assignment.tasks.authorize(assignment.agent("agent.a"), action)
    first = assignment.approvals.open_about("task.one", "merge")
    assignment.approvals.decide(first, yes=True, by=otto)
    failure = Failure("x", retryable=True)
    await assignment.tasks.fail(assignment.agent("agent.a"), "task.one", task.epoch, failure)
    assignment.registry.change("agent.a", status=ParticipantStatus.FAILED)
    assignment.registry.join("agent.b", owner=otto, credential="enrolment.b")
    await assignment.work()
    taken = await assignment.task("task.one")
    assert taken.owner_id == "agent.b"
    who = assignment.agent("agent.b")
    await assignment.tasks.start(who, "task.one", taken.epoch)
    again = replace(action, epoch=taken.epoch)
    with pytest.raises(errors.ApprovalRequired):
        await assignment.tasks.authorize(who, again)
    second = assignment.approvals.open_about("task.one", "merge")
    asked = assignment.approvals.questions[second]
    assert (asked.supersedes, otto in asked.barred_owners) == (first, True)
    assert assignment.access.refusals[-1][1] == "approval.use"


async def test_the_owner_of_whoever_would_get_a_task_does_not_decide_about_that(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a", owner="human.otto")
    assignment.policy.answer = needs_human(DecisionPoint.ASSIGN)
    assert (await assignment.bound("task.one")).parked
    asked = assignment.approvals.questions[assignment.approvals.open_about("task.one", "assign")]
    assert "human.otto" in asked.barred_owners
