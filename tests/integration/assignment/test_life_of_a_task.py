"""The verbs of a task, one after the other, on real PostgreSQL."""

from dataclasses import replace
from datetime import timedelta

import pytest

from assignment_svc.domain.states import ActionKind, AssignmentIntent, TaskStatus
from assignment_svc.usecases.tasks.authorize_action import Action
from assignment_svc.usecases.tasks.complete_task import TaskResult
from assignment_svc.usecases.tasks.record_checkpoint import Checkpoint
from phoenix_runtime.core import errors
from phoenix_runtime.core.json import content_hash
from phoenix_runtime.core.standing import ParticipantStatus
from phoenix_runtime.core.verdict import DecisionPoint, Grants, Obligation
from tests.support.fakes.assignment_peers import CAPABILITIES, DOMAINS
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


async def test_the_best_candidate_is_chosen_and_every_other_one_hears_why_not(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.cheap", cost=1.0)
    assignment.registry.join("agent.dear", cost=9.0)
    assignment.registry.join("agent.ill", status=ParticipantStatus.DEGRADED)
    assignment.registry.join("agent.other", grants=Grants())
    assigned = await assignment.bound("task.one")
    assert assigned.participant_id == "agent.cheap"
    assert {one.participant_id: one.failed for one in assigned.alternatives} == {
        "agent.dear": "score",
        "agent.ill": "active",
        "agent.other": "capability_match",
        "human.1": "capability_match",
    }
    assert assigned.score is not None
    assert [term.name for term in assigned.score.terms] == [
        "capability_match",
        "availability",
        "trust",
        "cost_efficiency",
        "policy_score",
    ]
    again = await assignment.assign(assignment.submitter, "task.one")
    assert again.assignment_id == assigned.assignment_id
    assert again.explanation == assigned.explanation


async def test_a_denied_candidate_is_passed_over_and_the_denial_audited_once(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.cheap", cost=1.0)

    def answer(point: DecisionPoint, question: object) -> dict[str, object]:
        return deny("not this one") if point is DecisionPoint.ASSIGN else {"trust": 0.6}

    assignment.policy.answer = answer
    await assignment.submit("task.one")
    for _ in range(3):
        with pytest.raises(errors.NoEligibleParticipant) as refusal:
            await assignment.assign(assignment.engine, "task.one")
    assert refusal.value.facts["agent.cheap"] == "policy_allows"
    assert await assignment.story("task.one") == [
        "TASK_SUBMITTED",
        "ASSIGNMENT_DENIED",
        "ASSIGNMENT_FAILED",
    ]
    task = await assignment.task("task.one")
    assert (task.status, task.tries) == (TaskStatus.PENDING, 3)


async def test_a_waiting_task_is_tried_again_by_its_timer_and_when_somebody_joins(
    assignment: AssignmentService,
) -> None:
    await assignment.submit("task.one", priority=1)
    await assignment.work()
    first = await assignment.task("task.one")
    assert first.next_try_at == assignment.clock.now() + timedelta(seconds=2)
    assignment.clock.advance(2)
    await assignment.work()
    assert (await assignment.task("task.one")).tries == 2
    assert await assignment.story("task.one") == ["TASK_SUBMITTED", "ASSIGNMENT_FAILED"]
    assignment.registry.join("agent.a")
    assert await assignment.wake_queue(assignment.engine) == 1
    await assignment.work()
    assert (await assignment.task("task.one")).owner_id == "agent.a"


@pytest.mark.parametrize(
    ("grants", "woken"),
    [
        (Grants(CAPABILITIES, DOMAINS), 1),
        (Grants(frozenset({"product_validation"}), DOMAINS), 0),
        (Grants(CAPABILITIES, frozenset({"product"})), 0),
    ],
)
async def test_whoever_joins_wakes_what_it_could_take_and_nothing_else(
    assignment: AssignmentService, grants: Grants, woken: int
) -> None:
    await assignment.submit("task.one")
    await assignment.work()
    assignment.registry.join("agent.a", grants=grants)
    assignment.registry.join("agent.gone", status=ParticipantStatus.FAILED)
    assert await assignment.wake_queue(assignment.engine, ["agent.gone", "agent.nobody"]) == 0
    assert await assignment.wake_queue(assignment.engine, ["agent.a", "agent.gone"]) == woken


async def test_the_queue_serves_by_priority(assignment: AssignmentService) -> None:
    for number, priority in enumerate((1, 9, 5)):
        await assignment.submit(f"task.{number}", priority=priority)
    assignment.registry.join("agent.a", capacity=2)
    await assignment.work()
    held = [number for number in range(3) if (await assignment.task(f"task.{number}")).owner_id]
    assert held == [1, 2]


async def test_a_task_on_request_is_assigned_only_when_asked(assignment: AssignmentService) -> None:
    assignment.registry.join("agent.a")
    await assignment.submit("task.one", intent=AssignmentIntent.ON_REQUEST.value)
    assert await assignment.work() == 0
    assigned = await assignment.tasks.assign(assignment.submitter, declaration_of("task.one"))
    assert assigned.participant_id == "agent.a"


async def test_assigning_a_whole_task_submits_it_first_and_a_known_one_is_not_submitted_again(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    first = await assignment.tasks.assign(
        assignment.submitter, declaration("task.one", input={"a": 1})
    )
    second = await assignment.tasks.assign(assignment.submitter, declaration("task.one"))
    assert first.assignment_id == second.assignment_id
    with pytest.raises(errors.AlreadyExists):
        await assignment.tasks.assign(
            assignment.submitter, declaration("task.one", objective="Another")
        )
    assignment.registry.people.pop("agent.a")
    with pytest.raises(errors.NoEligibleParticipant, match="stays pending"):
        await assignment.tasks.assign(assignment.submitter, declaration("task.two"))
    assert (await assignment.task("task.two")).status is TaskStatus.PENDING


async def test_explaining_changes_nothing(assignment: AssignmentService) -> None:
    assignment.registry.join("agent.a")
    assignment.registry.join("agent.b", cost=4.0)
    explained = await assignment.tasks.explain(assignment.submitter, declaration("task.new"))
    assert explained.participant_id == "agent.a"
    assert {one.participant_id for one in explained.alternatives} == {"agent.b", "human.1"}
    with pytest.raises(errors.NotFound):
        await assignment.task("task.new")
    assert (await assignment.evidence()).events == ()


async def test_who_declines_is_left_out_for_a_while(assignment: AssignmentService) -> None:
    assignment.registry.join("agent.a")
    assigned = await assignment.bound("task.one")
    declined = await assignment.tasks.decline(
        assignment.agent("agent.a"), "task.one", assigned.task.epoch, reason="too busy"
    )
    assert (declined.task.status, declined.task.owner_id) == (TaskStatus.PENDING, "")
    assert declined.task.epoch == assigned.task.epoch + 1
    await assignment.work()
    task = await assignment.task("task.one")
    assert task.status is TaskStatus.PENDING
    assignment.clock.advance(31)
    await assignment.work()
    assert (await assignment.task("task.one")).owner_id == "agent.a"


async def test_a_start_that_does_not_come_counts_as_declined(assignment: AssignmentService) -> None:
    assignment.registry.join("agent.a")
    assignment.registry.join("agent.b", cost=1.0)
    assigned = await assignment.bound("task.one", start_timeout=timedelta(seconds=10))
    assignment.clock.advance(11)
    await assignment.work()
    task = await assignment.task("task.one")
    assert task.owner_id not in {"", assigned.participant_id}
    with pytest.raises(errors.StaleAssignment):
        await assignment.tasks.start(
            assignment.agent(assigned.participant_id), "task.one", assigned.task.epoch
        )
    assert assignment.access.refusals[0][0] == assigned.participant_id


async def test_a_retryable_failure_is_tried_again_and_the_last_one_is_final(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one", max_attempts=2)
    await assignment.checkpoint(task)
    again = await assignment.tasks.fail(
        assignment.agent("agent.a"), "task.one", task.epoch, message="network", retryable=True
    )
    assert again.task.status is TaskStatus.PENDING
    assert again.task.pointer is not None
    await assignment.work()
    task = await assignment.task("task.one")
    task = (
        await assignment.tasks.start(assignment.agent("agent.a"), "task.one", task.epoch)
    ).briefing.task
    assert task.attempt == 2
    ended = await assignment.tasks.fail(
        assignment.agent("agent.a"), "task.one", task.epoch, message="network", retryable=True
    )
    assert ended.task.status is TaskStatus.FAILED


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


async def test_only_its_submitter_or_an_operator_cancels_a_task(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    await assignment.active("task.one")
    stranger = assignment.agent("agent.a")
    with pytest.raises(errors.NotPermitted):
        await assignment.tasks.cancel(stranger, "task.one")
    cancelled = await assignment.tasks.cancel(assignment.submitter, "task.one", reason="not needed")
    again = await assignment.tasks.cancel(assignment.operator, "task.one")
    assert cancelled.task.status is again.task.status is TaskStatus.CANCELLED
    with pytest.raises(errors.StaleAssignment):
        await assignment.tasks.complete(stranger, TaskResult("task.one", 1, {}))


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
    done = await assignment.tasks.complete(
        assignment.agent("agent.a"), TaskResult("task.one", task.epoch, RESULT, ("why",))
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


async def test_an_operation_cannot_borrow_the_name_of_what_the_house_asks(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    action = Action("task.one", task.epoch, ActionKind.FINAL_ACTION, "Complete", {})
    with pytest.raises(errors.FieldInvalid):
        await assignment.tasks.authorize(assignment.agent("agent.a"), action)


async def test_children_carry_the_correlation_id_and_end_with_their_parent(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    assignment.registry.join("agent.b", capacity=3)
    parent = await assignment.active("task.parent")
    caller = assignment.agent(parent.owner_id)

    async def child(task_id: str, *, detached: bool = False) -> None:
        declared = declaration(
            task_id, parent_task_id="task.parent", parent_epoch=parent.epoch, detached=detached
        )
        await assignment.tasks.submit(caller, declared)

    await child("task.child")
    await child("task.detached", detached=True)
    await assignment.work()
    assert (await assignment.task("task.child")).correlation_id == parent.correlation_id
    grandparent = await assignment.task("task.child")
    await assignment.tasks.start(
        assignment.agent(grandparent.owner_id), "task.child", grandparent.epoch
    )
    await assignment.tasks.submit(
        assignment.agent(grandparent.owner_id),
        declaration("task.grandchild", parent_task_id="task.child", parent_epoch=grandparent.epoch),
    )
    await assignment.tasks.complete(caller, TaskResult("task.parent", parent.epoch, RESULT))
    assert (await assignment.task("task.child")).reason == "parent_ended"
    assert (await assignment.task("task.grandchild")).status is TaskStatus.CANCELLED
    assert not (await assignment.task("task.detached")).ended


async def test_a_zombie_has_no_children(assignment: AssignmentService) -> None:
    assignment.registry.join("agent.a")
    parent = await assignment.active("task.parent")
    await assignment.tasks.fail(
        assignment.agent("agent.a"), "task.parent", parent.epoch, message="x", retryable=True
    )
    declared = declaration("task.c", parent_task_id="task.parent", parent_epoch=parent.epoch)
    with pytest.raises(errors.StaleAssignment):
        await assignment.tasks.submit(assignment.agent("agent.a"), declared)


async def test_generations_of_children_and_their_number_are_bounded(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a", capacity=40)
    parent = await assignment.active("task.0")
    for depth in range(1, 9):
        declared = declaration(
            f"task.{depth}", parent_task_id=parent.task_id, parent_epoch=parent.epoch
        )
        await assignment.tasks.submit(assignment.agent("agent.a"), declared)
        assigned = await assignment.assign(assignment.engine, f"task.{depth}")
        parent = assigned.task
    declared = declaration("task.9", parent_task_id=parent.task_id, parent_epoch=parent.epoch)
    with pytest.raises(errors.QuotaExceeded):
        await assignment.tasks.submit(assignment.agent("agent.a"), declared)


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


async def test_an_owner_that_fails_loses_its_tasks_at_once(assignment: AssignmentService) -> None:
    assignment.registry.join("agent.a", capacity=2)
    active = await assignment.active("task.one")
    await assignment.bound("task.two")
    assignment.registry.change("agent.a", status=ParticipantStatus.FAILED)
    await assignment.reconcile(assignment.engine)
    for task_id in ("task.one", "task.two"):
        task = await assignment.task(task_id)
        assert (task.status, task.owner_id) == (TaskStatus.MIGRATING, "")
        assert task.handoff_id
    with pytest.raises(errors.StaleAssignment):
        await assignment.checkpoint(active)
    assert (await assignment.story("task.one"))[-2:] == ["HANDOFF_INITIATED", "TASK_MIGRATING"]


async def test_one_that_comes_back_keeps_its_tasks_and_resumes_them_under_a_new_epoch(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a", capacity=2)
    old = await assignment.active("task.one")
    assignment.registry.join("agent.a", capacity=2, status=ParticipantStatus.REGISTERED)
    await assignment.reconcile(assignment.engine)
    waiting = await assignment.task("task.one")
    assert (waiting.status, waiting.epoch) == (TaskStatus.ACTIVE, old.epoch)
    assert waiting.resume_due_at is not None
    with pytest.raises(errors.NotPermitted):
        await assignment.tasks.resume(assignment.agent("agent.a"), 1)
    resumed = await assignment.tasks.resume(assignment.agent("agent.a"), 2)
    (briefing,) = resumed.briefings
    assert briefing.task.epoch > old.epoch
    assert briefing.task.resume_due_at is None
    with pytest.raises(errors.StaleAssignment):
        await assignment.checkpoint(old)
    again = await assignment.tasks.resume(assignment.agent("agent.a"), 2)
    assert again.briefings[0].task.epoch == briefing.task.epoch
    assert again.receipts == ()


async def test_who_comes_back_and_does_not_resume_in_time_is_gone(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    await assignment.active("task.one")
    assignment.registry.join("agent.a", status=ParticipantStatus.REGISTERED)
    await assignment.reconcile(assignment.engine)
    assignment.clock.advance(61)
    await assignment.work()
    task = await assignment.task("task.one")
    assert (task.status, task.reason) == (TaskStatus.MIGRATING, "not_resumed")


async def test_a_source_that_comes_back_before_anybody_took_over_has_its_task_again(
    assignment: AssignmentService,
) -> None:
    assignment.registry.join("agent.a")
    await assignment.active("task.one")
    assignment.registry.change("agent.a", status=ParticipantStatus.FAILED)
    await assignment.reconcile(assignment.engine)
    assignment.registry.join("agent.a")
    resumed = await assignment.tasks.resume(assignment.agent("agent.a"), 2)
    assert resumed.briefings[0].task.status is TaskStatus.ACTIVE
    assert (await assignment.story("task.one"))[-2:] == ["HANDOFF_ABORTED", "TASK_RESUMED"]


async def test_shrunk_grants_take_the_task_away(assignment: AssignmentService) -> None:
    assignment.registry.join("agent.a")
    await assignment.active("task.one")
    grants = Grants(frozenset({"duplicate_detection"}), frozenset({"customer_master"}))
    assignment.registry.change("agent.a", grants=grants)
    await assignment.reconcile(assignment.engine)
    task = await assignment.task("task.one")
    assert (task.status, task.reason) == (TaskStatus.MIGRATING, "unauthorized")


def declaration_of(task_id: str) -> object:
    """A known task by its id alone."""
    return replace(
        declaration(task_id), objective="", required_capabilities=(), data_domains=(), risk_level=""
    )
