"""A task from submission to its end, on real PostgreSQL."""

from datetime import timedelta
from typing import Any

import pytest

from assignment_svc.domain.states import TaskStatus
from assignment_svc.usecases.tasks.complete_task import TaskResult
from assignment_svc.usecases.tasks.fail_task import Failure
from phoenix_runtime.core import errors
from phoenix_runtime.core.json import content_hash
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.verdict import Obligation
from tests.support.fakes.policy import deny
from tests.support.servers.assignment_service import AssignmentService, declaration

RESULT = {"duplicates": 3}


async def test_a_task_is_submitted_assigned_started_checkpointed_and_completed(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one", input={"batch": 7})
    assert (task.status, task.attempt, task.owner_id) == (TaskStatus.ACTIVE, 1, "agent.a")
    await assignment.checkpoint(task)
    await assignment.checkpoint(task, 1, content="more findings")
    done = await assignment.tasks.complete(
        assignment.agent("agent.a"), TaskResult("task.one", task.epoch, RESULT)
    )
    assert done.task.status is TaskStatus.SUCCEEDED
    assert done.result == RESULT
    assert (await assignment.tasks.get(assignment.submitter, "task.one")).result == RESULT
    assert await assignment.story("task.one") == [
        "TASK_SUBMITTED",
        "ASSIGNMENT_CREATED",
        "TASK_STARTED",
        "CONTEXT_CHECKPOINTED",
        "CONTEXT_CHECKPOINTED",
        "TASK_SUCCEEDED",
    ]


async def test_the_briefing_holds_input_context_and_who_is_owed_what(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    assignment.policy.answer = lambda point, question: {
        "trust": 0.7,
        "obligations": (Obligation("rationale", "Say why"),) if point == "task.assign" else (),
    }
    assigned = await assignment.bound("task.one", input={"batch": 7})
    started = await assignment.tasks.start(
        assignment.agent("agent.a"), "task.one", assigned.task.epoch
    )
    assert started.briefing.input == {"batch": 7}
    assert started.briefing.context.version == 0
    assert started.briefing.context.hash == content_hash({"batch": 7})
    assert [o.id for o in started.briefing.task.obligations] == ["rationale"]
    again = await assignment.tasks.start(
        assignment.agent("agent.a"), "task.one", assigned.task.epoch
    )
    assert again.briefing == started.briefing
    assert await assignment.story("task.one") == [
        "TASK_SUBMITTED",
        "ASSIGNMENT_CREATED",
        "TASK_STARTED",
    ]


async def test_the_same_task_submitted_again_is_the_same_and_another_one_is_refused(
    assignment: AssignmentService,
) -> None:
    first = await assignment.tasks.submit(assignment.submitter, declaration("task.one"))
    second = await assignment.tasks.submit(assignment.submitter, declaration("task.one"))
    assert second.receipt.audit_event_id == first.receipt.audit_event_id
    assert not second.created
    with pytest.raises(errors.AlreadyExists):
        await assignment.tasks.submit(
            assignment.submitter, declaration("task.one", objective="Another")
        )


async def test_a_submission_that_policy_denies_leaves_one_event_and_no_task(
    assignment: AssignmentService,
) -> None:
    assignment.policy.answer = lambda point, question: deny("not today")
    with pytest.raises(errors.PolicyDenied, match="not today"):
        await assignment.tasks.submit(assignment.submitter, declaration("task.one"))
    with pytest.raises(errors.NotFound):
        await assignment.task("task.one")
    assert [event.type for event in (await assignment.evidence()).events] == ["SUBMISSION_DENIED"]


async def test_without_a_policy_engine_nothing_changes(assignment: AssignmentService) -> None:
    assignment.registry.join("agent.a")
    await assignment.submit("task.one")
    assignment.policy.away = True
    with pytest.raises(errors.PolicyEngineUnavailable):
        await assignment.assign(assignment.engine, "task.one")
    with pytest.raises(errors.PolicyEngineUnavailable):
        await assignment.submit("task.two")
    assert (await assignment.task("task.one")).status is TaskStatus.PENDING
    assert await assignment.story("task.one") == ["TASK_SUBMITTED"]


async def test_a_retryable_failure_is_tried_again_and_the_last_one_is_final(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one", max_attempts=2)
    await assignment.checkpoint(task)
    again = await assignment.tasks.fail(
        assignment.agent("agent.a"), "task.one", task.epoch, Failure("network", retryable=True)
    )
    assert again.task.status is TaskStatus.PENDING
    assert again.task.pointer is not None
    await assignment.work()
    task = await assignment.task("task.one")
    assert (task.reason, task.why) == ("", "network")  # kept while it is tried again
    task = (
        await assignment.tasks.start(assignment.agent("agent.a"), "task.one", task.epoch)
    ).briefing.task
    assert task.attempt == 2
    ended = await assignment.tasks.fail(
        assignment.agent("agent.a"), "task.one", task.epoch, Failure("disk\nfull", retryable=True)
    )
    assert ended.task.status is TaskStatus.FAILED
    assert (await assignment.task("task.one")).why == "disk\nfull"


async def test_an_attempt_and_a_task_have_deadlines(assignment: AssignmentService) -> None:
    assignment.registry.join("agent.a", capacity=2)
    await assignment.active("task.slow", attempt_timeout=timedelta(seconds=5), max_attempts=1)
    deadline = assignment.clock.now() + timedelta(seconds=60)
    await assignment.active("task.late", deadline=deadline)
    assignment.clock.advance(6)
    await assignment.work()
    slow = await assignment.task("task.slow")
    assert (slow.status, slow.reason) == (TaskStatus.FAILED, "attempt_timeout")
    assert (await assignment.task("task.late")).status is TaskStatus.ACTIVE
    assignment.clock.advance(60)
    await assignment.work()
    late = await assignment.task("task.late")
    assert (late.status, late.reason) == (TaskStatus.FAILED, "deadline")


async def test_a_task_without_a_name_is_not_looked_for_before_it_is_written(
    assignment: AssignmentService, monkeypatch: pytest.MonkeyPatch
) -> None:
    units, read = assignment.ports.units, []
    reading = units.reading

    def noted(call: Call) -> Any:
        read.append(call)
        return reading(call)

    monkeypatch.setattr(units, "reading", noted)
    task = await assignment.submit()
    assert read == []
    assert (await assignment.submit(task.task_id)).task_id == task.task_id
    assert len(read) == 1


async def test_only_its_submitter_or_an_operator_cancels_a_task(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    await assignment.active("task.one")
    assignee = assignment.agent("agent.a")
    with pytest.raises(errors.NotPermitted):
        await assignment.tasks.cancel(assignee, "task.one")
    cancelled = await assignment.tasks.cancel(assignment.submitter, "task.one", reason="not needed")
    again = await assignment.tasks.cancel(assignment.operator, "task.one")
    assert cancelled.task.status is again.task.status is TaskStatus.CANCELLED
    with pytest.raises(errors.StaleAssignment):
        await assignment.tasks.complete(assignee, TaskResult("task.one", 1, {}))


async def test_a_failed_attempt_is_made_elsewhere_first_and_again_where_nobody_else_is(
    assignment: AssignmentService,
) -> None:
    """Though the first is the cheapest: who else fails says whose fault it is."""
    assignment.registry.join("agent.a", cost=1.0)
    assignment.registry.join("agent.b", cost=5.0)
    tried = []
    await assignment.submit("task.one")
    for _ in range(3):
        task = (await assignment.assign(assignment.engine, "task.one")).task
        tried.append(task.owner_id)
        who = assignment.agent(task.owner_id)
        await assignment.tasks.start(who, "task.one", task.epoch)
        failure = Failure("no such column", retryable=True)
        await assignment.tasks.fail(who, "task.one", task.epoch, failure)
    assert tried == ["agent.a", "agent.b", "agent.a"]
    bound = [e for e in (await assignment.evidence()).events if e.type == "ASSIGNMENT_CREATED"]
    second = next(event for event in bound if event.participant == "agent.b")
    assert "it failed this task before" in str(second.detail["alternatives"])
