"""What an assignee records, has authorized and delivers, and who reads a context."""

from dataclasses import replace

import pytest

from assignment_svc.domain.states import ActionKind, TaskStatus
from assignment_svc.usecases.actions.action import Action
from assignment_svc.usecases.tasks.complete_task import TaskResult
from assignment_svc.usecases.tasks.record_checkpoint import Checkpoint
from phoenix_runtime.core import errors
from phoenix_runtime.core.json import content_hash
from phoenix_runtime.core.verdict import DecisionPoint, Obligation
from tests.support.fakes.policy import deny
from tests.support.servers.assignment_service import AssignmentService

RESULT = {"duplicates": 3}


async def test_a_checkpoint_on_an_older_version_is_refused_and_a_lost_reply_answered_again(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    first = await assignment.checkpoint(task)
    assert await assignment.checkpoint(task) == first
    with pytest.raises(errors.ContextVersionConflict):
        await assignment.checkpoint(task, 0, content="other findings")
    with pytest.raises(errors.FieldInvalid):
        await assignment.tasks.record(
            assignment.agent("agent.a"), Checkpoint("task.one", task.epoch, 1, "md5:12")
        )
    await assignment.tasks.complete(
        assignment.agent("agent.a"), TaskResult("task.one", task.epoch, RESULT)
    )
    with pytest.raises(errors.StaleAssignment):
        await assignment.checkpoint(task, 1, content="too late")


async def test_the_same_result_again_answers_the_same(assignment: AssignmentService) -> None:
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    result = TaskResult("task.one", task.epoch, RESULT)
    first = await assignment.tasks.complete(assignment.agent("agent.a"), result)
    second = await assignment.tasks.complete(assignment.agent("agent.a"), result)
    assert first.receipt.audit_event_id == second.receipt.audit_event_id
    with pytest.raises(errors.StaleAssignment):
        await assignment.tasks.complete(
            assignment.agent("agent.a"), replace(result, value={"other": 1})
        )


async def test_an_open_obligation_keeps_a_task_from_completing(
    assignment: AssignmentService,
) -> None:
    def answer(point: DecisionPoint, question: dict[str, object]) -> dict[str, object]:
        if point is DecisionPoint.ASSIGN:
            return {"trust": 0.6, "obligations": (Obligation("why", "Say why"),)}
        if point is DecisionPoint.COMPLETE and question["open_obligations"]:
            return deny("an obligation is open")
        return {"trust": 0.6}

    assignment.policy.answer = answer
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    for _ in range(2):
        with pytest.raises(errors.PolicyDenied):
            await assignment.tasks.complete(
                assignment.agent("agent.a"), TaskResult("task.one", task.epoch, RESULT)
            )
    decided = Checkpoint("task.one", task.epoch, 0, content_hash("why"), 12, decided=("why",))
    await assignment.tasks.record(assignment.agent("agent.a"), decided)
    done = await assignment.tasks.complete(
        assignment.agent("agent.a"), TaskResult("task.one", task.epoch, RESULT)
    )
    assert done.task.status is TaskStatus.SUCCEEDED
    assert (await assignment.story("task.one")).count("POLICY_DENIED") == 1


async def test_an_action_is_authorized_once_for_its_content(assignment: AssignmentService) -> None:
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    action = Action(
        "task.one", task.epoch, ActionKind.DATA_READ, "Read_Candidates", {"ids": [1, 2]}
    )
    first = await assignment.tasks.authorize(assignment.agent("agent.a"), action)
    second = await assignment.tasks.authorize(assignment.agent("agent.a"), action)
    assert first.authorization == second.authorization
    assert first.authorization.action == "read_candidates"
    other = replace(action, subject={"ids": [3]})
    third = await assignment.tasks.authorize(assignment.agent("agent.a"), other)
    assert third.authorization.authorization_id != first.authorization.authorization_id
    assignment.policy.answer = lambda point, question: deny("no permission")
    for _ in range(2):
        with pytest.raises(errors.PolicyDenied):
            await assignment.tasks.authorize(
                assignment.agent("agent.a"), replace(action, name="write")
            )
    assert (await assignment.story("task.one"))[-3:] == [
        "ACTION_AUTHORIZED",
        "ACTION_AUTHORIZED",
        "ACTION_DENIED",
    ]


async def test_an_operation_cannot_borrow_the_name_of_what_the_runtime_asks(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    action = Action("task.one", task.epoch, ActionKind.FINAL_ACTION, "Complete", {})
    with pytest.raises(errors.FieldInvalid):
        await assignment.tasks.authorize(assignment.agent("agent.a"), action)


async def test_a_context_is_read_by_its_assignee_its_submitter_and_auditors_alone(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one", input={"secret": 1})
    assert (await assignment.tasks.resolve(assignment.submitter, "task.one")).input == {"secret": 1}
    await assignment.checkpoint(task)
    newest = await assignment.tasks.resolve(assignment.agent("agent.a"), "task.one")
    assert (newest.pointer.version, newest.input) == (1, None)
    with pytest.raises(errors.NotFound):
        await assignment.tasks.resolve(assignment.operator, "task.one", version=2)
    with pytest.raises(errors.NotPermitted):
        await assignment.tasks.resolve(assignment.agent("agent.b"), "task.one")
    assert assignment.access.refusals[-1][1] == "ResolveContext"


async def test_policy_sees_what_is_submitted_done_and_delivered(
    assignment: AssignmentService,
) -> None:
    """A rule on an amount has to find the amount, and not its hash."""
    assignment.registry.join("agent.a")
    payment = {"amount": 12_000}
    task = await assignment.active("task.one", input=payment)
    who = assignment.agent("agent.a")
    pay = Action("task.one", task.epoch, ActionKind.DATA_MUTATION, "pay", payment)
    await assignment.tasks.authorize(who, pay)
    await assignment.tasks.complete(who, TaskResult("task.one", task.epoch, payment))
    seen = {point: inputs[-1] for point, inputs in assignment.policy.asked}
    assert seen[DecisionPoint.SUBMIT]["task"]["input"] == payment
    assert seen[DecisionPoint.OPERATE]["subject"] == payment
    assert seen[DecisionPoint.COMPLETE]["result"] == payment


async def test_completing_reads_the_assignees_standing_only_where_a_rule_may_read_it(
    assignment: AssignmentService,
) -> None:
    registry, policy = assignment.registry, assignment.policy
    registry.join("agent.a", capacity=2)
    for task_id, needing in (("task.one", False), ("task.two", True)):
        task = await assignment.active(task_id)
        registry.asked.clear()
        policy.needing = needing
        await assignment.tasks.complete(
            assignment.agent("agent.a"), TaskResult(task_id, task.epoch, RESULT)
        )
        assert registry.asked == ([("agent.a",)] if needing else [])
    asked = [inputs[0] for point, inputs in policy.asked if point is DecisionPoint.COMPLETE]
    assert asked[0]["assignee"] == {"id": "agent.a"}
    assert asked[1]["assignee"]["status"] == "active"
