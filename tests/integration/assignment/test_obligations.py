"""An obligation is met by what the runtime has recorded, never because somebody says so."""

from collections.abc import Callable
from typing import Any

import pytest

from assignment_svc.domain.states import ActionKind, TaskStatus
from assignment_svc.domain.task import Task
from assignment_svc.usecases.actions.action import Action
from assignment_svc.usecases.handoff.initiate_handoff import HandoffRequest
from assignment_svc.usecases.tasks.complete_task import TaskResult
from assignment_svc.usecases.tasks.fail_task import Failure
from assignment_svc.usecases.tasks.record_checkpoint import Checkpoint, Recorded
from phoenix_runtime.core import errors
from phoenix_runtime.core.json import content_hash
from phoenix_runtime.core.standing import ParticipantStatus
from phoenix_runtime.core.verdict import APPROVAL, BEFORE_COMPLETE, DecisionPoint, Obligation
from tests.support.fakes.assignment_peers import needs_human
from tests.support.fakes.policy import deny
from tests.support.servers.assignment_service import AssignmentService

WHY = Obligation("why", "Say why.")
RESULT = {"duplicates": 3}
Answer = Callable[[DecisionPoint, Any], dict[str, Any]]


def approved(action: str) -> Obligation:
    return Obligation("seen", "A human sees it.", BEFORE_COMPLETE, APPROVAL, action)


def obliging(*obligations: Obligation, humans: tuple[DecisionPoint, ...] = ()) -> Answer:
    """Policy that obliges at the assignment, asks humans, and lets nothing open complete."""
    asked = needs_human(*humans)

    def answer(point: DecisionPoint, question: Any) -> dict[str, Any]:
        said = asked(point, question)
        if point is DecisionPoint.ASSIGN:
            return {**said, "obligations": obligations}
        if point is DecisionPoint.COMPLETE:
            open_ids = [o["id"] for o in question["open_obligations"] if o["action"] != "complete"]
            return deny(f"{open_ids} open", "open_obligation") if open_ids else said
        return said

    return answer


async def record(
    assignment: AssignmentService, task: Task, base: int = 0, **fields: Any
) -> Recorded:
    """The owner's next checkpoint, as state_svc sends it."""
    hashed = content_hash(f"findings {base}")
    checkpoint = Checkpoint(task.task_id, task.epoch, base, hashed, 12, **fields)
    return await assignment.tasks.record(assignment.agent(task.owner_id), checkpoint)


async def complete(assignment: AssignmentService, task: Task, *named: str) -> Task:
    result = TaskResult(task.task_id, task.epoch, RESULT, named)
    return (await assignment.tasks.complete(assignment.agent(task.owner_id), result)).task


async def evidence(assignment: AssignmentService) -> dict[str, str]:
    """What met the task's obligations."""
    owed = (await assignment.task("task.one")).obligations
    assert all(bool(one.met_event_id) == one.fulfilled for one in owed)
    return {one.id: one.evidence for one in owed if one.fulfilled}


async def met_in(assignment: AssignmentService, event_type: str) -> list[Any]:
    """What the events of a type say was met, and that the task names those events."""
    events = [e for e in (await assignment.evidence()).events if e.type == event_type]
    met = [one for event in events for one in event.detail.get("obligations_met", [])]
    if met:
        owed = (await assignment.task("task.one")).obligations
        assert {e.event_id for e in events} >= {o.met_event_id for o in owed if o.met_event_id}
    return met


async def test_who_only_says_that_an_obligation_is_met_is_told_what_meets_it(
    assignment: AssignmentService,
) -> None:
    assignment.policy.answer = obliging(WHY)
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    for call in (
        lambda: record(assignment, task, fulfilled=("why",)),
        lambda: complete(assignment, task, "why"),
    ):
        with pytest.raises(errors.FieldInvalid) as refused:
            await call()
        (violation,) = refused.value.violations
        assert violation.field == "fulfilled_obligations"
        assert '{"obligation": "why", "decision": "…"}' in violation.text
    with pytest.raises(errors.PolicyDenied, match="'why'"):
        await complete(assignment, task)
    kept = await assignment.task("task.one")
    assert (kept.status, kept.pointer) == (TaskStatus.ACTIVE, None)
    assert await evidence(assignment) == {}


async def test_a_decision_in_the_context_meets_its_obligation_whether_named_or_not(
    assignment: AssignmentService,
) -> None:
    assignment.policy.answer = obliging(WHY)
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    await record(assignment, task, decided=("why", "another"), fulfilled=("why",))
    await record(assignment, task, 1)  # what later contexts hold changes nothing
    met = {
        "id": "why",
        "met_by": "decision",
        "action": "",
        "evidence": "phoenix://state/task.one/1",
    }
    assert await met_in(assignment, "CONTEXT_CHECKPOINTED") == [met]
    assert (await complete(assignment, task, "why")).status is TaskStatus.SUCCEEDED


async def test_a_checkpoint_that_is_sent_again_meets_no_more_than_it_did(
    assignment: AssignmentService,
) -> None:
    assignment.policy.answer = obliging(WHY)
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    first = await record(assignment, task)
    with pytest.raises(errors.FieldInvalid, match="why is not met"):
        await record(assignment, task, fulfilled=("why",))
    assert await record(assignment, task) == first


async def test_a_context_by_reference_decides_nothing_and_that_is_said(
    assignment: AssignmentService,
) -> None:
    assignment.policy.answer = obliging(WHY)
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    there: dict[str, Any] = {"by_reference": True, "external_ref": "s3://contexts/a@1"}
    with pytest.raises(errors.FieldInvalid, match="reference is not read"):
        await record(assignment, task, fulfilled=("why",), **there)
    await record(assignment, task, decided=("why",))
    await record(assignment, task, 1, fulfilled=("why",), **there)
    assert await evidence(assignment) == {"why": "phoenix://state/task.one/1"}


async def test_what_is_no_obligation_of_the_task_cannot_be_reported(
    assignment: AssignmentService,
) -> None:
    assignment.policy.answer = obliging(WHY, Obligation("care", "Take care.", "always"))
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    with pytest.raises(errors.FieldInvalid) as refused:
        await complete(assignment, task, "other", "care")
    first, second = (one.text for one in refused.value.violations)
    assert first == "other is no obligation of this task; it has care, why"
    assert second == "care is due always: it holds until the task ends, so leave it out"


async def publish(assignment: AssignmentService, task: Task) -> str:
    """Ask for an action that a human has to approve, have it approved, and use the approval."""
    action = Action(task.task_id, task.epoch, ActionKind.FINAL_ACTION, "Publish", {"page": 1})
    caller = assignment.agent(task.owner_id)
    with pytest.raises(errors.ApprovalRequired) as asked:
        await assignment.tasks.authorize(caller, action)
    approval_id = asked.value.facts["approval_id"]
    assignment.approvals.decide(approval_id, yes=True)
    assert await evidence(assignment) == {}, "granted, and not used yet"
    with pytest.raises(errors.PolicyDenied):
        await complete(assignment, task)
    await assignment.tasks.authorize(caller, action)
    return str(approval_id)


async def test_an_approval_that_is_used_meets_its_obligation_without_anybody_saying_so(
    assignment: AssignmentService,
) -> None:
    assignment.policy.answer = obliging(approved("publish"), humans=(DecisionPoint.OPERATE,))
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    with pytest.raises(errors.FieldInvalid, match="a human has to approve publish"):
        await complete(assignment, task, "seen")
    await record(assignment, task, decided=("seen",))  # a decision is no approval
    approval_id = await publish(assignment, task)
    met = {"id": "seen", "met_by": "approval", "action": "publish", "evidence": approval_id}
    assert await met_in(assignment, "ACTION_AUTHORIZED") == [met]
    assert (await complete(assignment, task)).status is TaskStatus.SUCCEEDED


async def test_an_approval_of_another_action_meets_nothing(assignment: AssignmentService) -> None:
    assignment.policy.answer = obliging(approved("merge"), humans=(DecisionPoint.OPERATE,))
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    await publish(assignment, task)
    assert await evidence(assignment) == {}


async def test_the_approval_of_the_result_meets_what_asks_for_it(
    assignment: AssignmentService,
) -> None:
    assignment.policy.answer = obliging(approved("complete"), humans=(DecisionPoint.COMPLETE,))
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    assert (await complete(assignment, task)).status is TaskStatus.AWAITING_APPROVAL
    approval_id = assignment.approvals.open_about("task.one", "complete")
    assignment.approvals.decide(approval_id, yes=True)
    assert await evidence(assignment) == {}
    assignment.clock.advance(3)
    await assignment.work()
    assert (await assignment.task("task.one")).status is TaskStatus.SUCCEEDED
    met = {"id": "seen", "met_by": "approval", "action": "complete", "evidence": approval_id}
    assert await met_in(assignment, "TASK_SUCCEEDED") == [met]


async def test_an_approved_result_that_is_brought_again_uses_its_approval(
    assignment: AssignmentService,
) -> None:
    obliged = obliging(approved("complete"), humans=(DecisionPoint.COMPLETE,))
    assignment.policy.answer = obliged
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    await complete(assignment, task)
    approval_id = assignment.approvals.open_about("task.one", "complete")
    assignment.approvals.decide(approval_id, yes=True)
    assignment.policy.answer = lambda point, question: deny("not now")
    assignment.clock.advance(3)
    await assignment.work()
    assert (await assignment.task("task.one")).status is TaskStatus.ACTIVE
    assignment.policy.answer = obliged
    assert (await complete(assignment, task)).status is TaskStatus.SUCCEEDED
    assert await evidence(assignment) == {"seen": approval_id}


async def test_the_approval_of_an_assignment_meets_what_asks_for_it(
    assignment: AssignmentService,
) -> None:
    assignment.policy.answer = obliging(approved("assign"), humans=(DecisionPoint.ASSIGN,))
    assignment.registry.join("agent.a")
    await assignment.bound("task.one")
    approval_id = assignment.approvals.open_about("task.one", "assign")
    assignment.approvals.decide(approval_id, yes=True)
    assignment.clock.advance(3)
    await assignment.work()
    assert await evidence(assignment) == {"seen": approval_id}
    assert len(await met_in(assignment, "ASSIGNMENT_CREATED")) == 1


async def test_an_approval_used_before_the_obligation_was_attached_meets_it(
    assignment: AssignmentService,
) -> None:
    assignment.policy.answer = needs_human(DecisionPoint.OPERATE)
    assignment.registry.join("agent.a")
    first = await assignment.active("task.one")
    action = Action("task.one", first.epoch, ActionKind.FINAL_ACTION, "publish", {"page": 1})
    with pytest.raises(errors.ApprovalRequired) as asked:
        await assignment.tasks.authorize(assignment.agent("agent.a"), action)
    approval_id = asked.value.facts["approval_id"]
    assignment.approvals.decide(approval_id, yes=True)
    await assignment.tasks.authorize(assignment.agent("agent.a"), action)
    assignment.policy.answer = obliging(approved("publish"))
    failure = Failure("once more", retryable=True)
    await assignment.tasks.fail(assignment.agent("agent.a"), "task.one", first.epoch, failure)
    await assignment.assign(assignment.engine, "task.one")
    assert await evidence(assignment) == {"seen": approval_id}


async def move(assignment: AssignmentService, task: Task) -> None:
    """A handoff that its owner asks for."""
    asked = HandoffRequest(task.task_id, task.owner_id, "requested")
    await assignment.handoffs.initiate(assignment.agent(task.owner_id), asked)


async def lose(assignment: AssignmentService, task: Task) -> None:
    """Its owner fails."""
    assignment.registry.change(task.owner_id, status=ParticipantStatus.FAILED)
    await assignment.reconcile(assignment.engine)


@pytest.mark.parametrize("leave", [move, lose])
async def test_what_was_met_stays_met_for_whoever_owns_the_task_next(
    assignment: AssignmentService, leave: Callable[..., Any]
) -> None:
    obliged = obliging(WHY, approved("publish"), humans=(DecisionPoint.OPERATE,))
    assignment.policy.answer = obliged
    assignment.registry.join("agent.a")
    task = await assignment.active("task.one")
    approval_id = await publish(assignment, task)
    await record(assignment, task, decided=("why",))
    assignment.registry.join("agent.b")
    await leave(assignment, task)
    await assignment.work()
    waiting = await assignment.task("task.one")
    handoff = (await assignment.handoffs.get(assignment.operator, waiting.handoff_id)).handoff
    if handoff.offer is None:  # a living source is asked for a last checkpoint
        await record(assignment, task, 1)
        await assignment.work()
        handoff = (await assignment.handoffs.get(assignment.operator, waiting.handoff_id)).handoff
    taken = await assignment.take_over(handoff, "agent.b")
    assert taken.handoff.accepted_obligations == (), "nothing is owed any more"
    expected = {"why": "phoenix://state/task.one/1", "seen": approval_id}
    assert await evidence(assignment) == expected
    assert (await complete(assignment, taken.briefing.task)).status is TaskStatus.SUCCEEDED
