"""An effect outside happens once, or whoever goes on is told that nobody knows (I17)."""

from collections.abc import Callable
from typing import Any

import pytest

from assignment_svc.domain.actions.effect import EffectFilter, Outcome
from assignment_svc.domain.states import ActionKind, EffectStatus
from assignment_svc.domain.task import Task
from assignment_svc.usecases.actions.action import Action
from assignment_svc.usecases.actions.begin_effect import BegunEffect
from assignment_svc.usecases.actions.record_effect import EffectReport, RecordedEffect
from phoenix_runtime.core import errors
from phoenix_runtime.core.json import JsonObject, content_hash
from phoenix_runtime.core.pages import page_request
from phoenix_runtime.core.standing import ParticipantStatus
from phoenix_runtime.core.verdict import DecisionPoint
from tests.support.fakes.assignment_peers import needs_human
from tests.support.fakes.policy import deny
from tests.support.servers.assignment_service import AssignmentService

TASK = "task.one"
SUBJECT: JsonObject = {"invoice": "i.1", "amount": 3}
DONE = Outcome(EffectStatus.DONE, content={"receipt": "r.1"})
NOT_DONE = Outcome(EffectStatus.NOT_DONE, why="the bank said no")
UNKNOWN = Outcome(EffectStatus.UNKNOWN, why="the answer was lost")


async def begin(
    assignment: AssignmentService, task: Task, subject: JsonObject = SUBJECT, **more: Any
) -> BegunEffect:
    action = Action(task.task_id, task.epoch, ActionKind.TOOL_INVOCATION, "charge", subject)
    caller = assignment.agent(task.owner_id)
    return await assignment.effects.begin(caller, action, **{"idempotent": False, **more})


async def record(
    assignment: AssignmentService, task: Task, effect: str, outcome: Outcome
) -> RecordedEffect:
    report = EffectReport(task.task_id, task.epoch, effect, outcome)
    return await assignment.effects.record(assignment.agent(task.owner_id), report)


async def taken_over(assignment: AssignmentService) -> Task:
    """The task at its next owner, the first one having died."""
    old = (await assignment.task(TASK)).owner_id
    assignment.registry.join("agent.b")
    assignment.registry.change(old, status=ParticipantStatus.FAILED)
    await assignment.reconcile(assignment.engine)
    await assignment.work()
    handoff_id = (await assignment.task(TASK)).handoff_id
    handoff = (await assignment.handoffs.get(assignment.operator, handoff_id)).handoff
    taken = await assignment.take_over(handoff, "agent.b")
    shown = [one.authorization_id for one in taken.briefing.unknown_effects]
    assert shown == [one.authorization_id for one in await unknown(assignment)]
    return taken.briefing.task


async def unknown(assignment: AssignmentService) -> list[Any]:
    wanted = EffectFilter(TASK, (EffectStatus.UNKNOWN,))
    page = await assignment.effects.list(assignment.operator, wanted, page_request(50, "", {}))
    return list(page.items)


def looks_first(point: DecisionPoint, question: Any) -> dict[str, Any]:
    """A policy that has whoever goes on look, where nothing else is said."""
    effect = question.get("effect")
    if effect and effect["status"] == "unknown" and not effect["idempotent"]:
        return deny("nobody knows", rule="outcome_unknown")
    return {"trust": 0.6}


@pytest.fixture
async def task(assignment: AssignmentService) -> Task:
    """A task that somebody works on, under a policy that has others look."""
    assignment.registry.join("agent.a")
    assignment.policy.answer = looks_first
    return await assignment.active(TASK)


async def test_what_was_done_is_not_begun_again_and_its_outcome_is_told(
    assignment: AssignmentService, task: Task
) -> None:
    begun = await begin(assignment, task)
    assert (begun.effect.status, begun.effect.begun) == (EffectStatus.BEGUN, 1)
    assert begun.verdict is not None
    key = begun.effect.authorization_id
    recorded = await record(assignment, task, key, DONE)
    again = await record(assignment, task, key, DONE)
    assert again.receipt == recorded.receipt
    later = await begin(assignment, await taken_over(assignment))
    assert (later.effect.status, later.outcome) == (EffectStatus.DONE, {"receipt": "r.1"})
    assert (later.effect.authorization_id, later.verdict) == (key, None)
    story = await assignment.story(TASK)
    assert (story.count("EFFECT_BEGUN"), story.count("EFFECT_RECORDED")) == (1, 1)


async def test_an_owner_that_died_in_between_leaves_an_unknown_outcome(
    assignment: AssignmentService, task: Task
) -> None:
    begun = await begin(assignment, task)
    assert await unknown(assignment) == []
    heir = await taken_over(assignment)
    (found,) = await unknown(assignment)
    assert found.participant_id == "agent.a"
    with pytest.raises(errors.PolicyDenied, match="nobody knows"):
        await begin(assignment, heir)
    (denied,) = [one for one in (await assignment.evidence()).events if one.type == "ACTION_DENIED"]
    assert denied.reason_code == "outcome_unknown", "which speaks against nobody"
    with pytest.raises(errors.StaleAssignment):
        await record(assignment, task, begun.effect.authorization_id, DONE)
    looked = await record(assignment, heir, begun.effect.authorization_id, DONE)
    assert (looked.effect.recorded_by, looked.effect.participant_id) == ("agent.b", "agent.a")
    assert (await begin(assignment, heir)).outcome == {"receipt": "r.1"}


async def test_what_was_not_done_begins_again_under_the_same_key(
    assignment: AssignmentService, task: Task
) -> None:
    first = await begin(assignment, task)
    await record(assignment, task, first.effect.authorization_id, NOT_DONE)
    second = await begin(assignment, task)
    assert second.effect.authorization_id == first.effect.authorization_id
    assert second.effect.begun == 2
    await record(assignment, task, first.effect.authorization_id, UNKNOWN)
    with pytest.raises(errors.PolicyDenied):
        await begin(assignment, task)


async def test_what_is_idempotent_is_repeated_under_the_same_key_if_the_first_one_said_so(
    assignment: AssignmentService, task: Task
) -> None:
    first = await begin(assignment, task, idempotent=True)
    other = await begin(assignment, task, {"invoice": "i.2"})
    heir = await taken_over(assignment)
    again = await begin(assignment, heir, idempotent=False)
    assert again.effect.authorization_id == first.effect.authorization_id
    assert (again.effect.begun, again.effect.epoch) == (2, heir.epoch)
    with pytest.raises(errors.PolicyDenied):
        await begin(assignment, heir, {"invoice": "i.2"}, idempotent=True)
    assert [one.authorization_id for one in await unknown(assignment)] == [
        other.effect.authorization_id
    ]


async def test_a_human_who_allowed_it_once_is_asked_again_for_a_repetition(
    assignment: AssignmentService, task: Task
) -> None:
    assignment.policy.answer = needs_human(DecisionPoint.OPERATE)
    first = await allowed(assignment, lambda: begin(assignment, task), SUBJECT)
    heir = await taken_over(assignment)
    asked = {
        "repeats": first.effect.authorization_id,
        "begun": 1,
        "begun_by": "agent.a",
        "subject": SUBJECT,
    }
    second = await allowed(assignment, lambda: begin(assignment, heir), asked)
    assert second.effect.authorization_id == first.effect.authorization_id
    assert second.effect.approval_id != first.effect.approval_id
    assert second.effect.subject_hash == content_hash(SUBJECT)


async def test_who_can_look_is_told_before_anybody_is_asked(
    assignment: AssignmentService, task: Task
) -> None:
    assert (await begin(assignment, task, can_look=True)).effect.status is EffectStatus.BEGUN
    heir = await taken_over(assignment)
    assignment.policy.answer = lambda point, question: deny("nobody asks")
    told = await begin(assignment, heir, can_look=True)
    assert (told.effect.status, told.verdict) == (EffectStatus.UNKNOWN, None)
    assert told.outcome is None
    assert (await assignment.story(TASK)).count("EFFECT_BEGUN") == 1


async def allowed(
    assignment: AssignmentService, ask: Callable[[], Any], shown: JsonObject
) -> BegunEffect:
    """What begins once a human has approved exactly the content ``shown``."""
    with pytest.raises(errors.ApprovalRequired):
        await ask()
    question = assignment.approvals.open_about(TASK, "charge")
    assert assignment.approvals.questions[question].subject == shown
    assignment.approvals.decide(question, yes=True)
    begun: BegunEffect = await ask()
    assert begun.effect.approval_id == question
    return begun


async def test_what_changes_something_does_not_begin_again_as_what_reads(
    assignment: AssignmentService, task: Task
) -> None:
    await begin(assignment, task)
    heir = await taken_over(assignment)
    assignment.policy.answer = lambda point, question: {"trust": 0.6}
    reading = Action(TASK, heir.epoch, ActionKind.DATA_READ, "charge", SUBJECT)
    with pytest.raises(errors.FieldInvalid, match="kind: is tool_invocation"):
        await assignment.effects.begin(assignment.agent("agent.b"), reading, idempotent=True)
    assert (await assignment.story(TASK)).count("EFFECT_BEGUN") == 1


async def test_two_at_once_do_not_both_begin(assignment: AssignmentService, task: Task) -> None:
    await begin(assignment, task)
    with pytest.raises(errors.IllegalTransition, match="An effect that is begun cannot begin"):
        await begin(assignment, task)
    assert (await begin(assignment, task, {"invoice": "i.2"})).effect.begun == 1


async def test_an_outcome_is_said_once_and_of_what_was_begun(
    assignment: AssignmentService, task: Task
) -> None:
    key = (await begin(assignment, task)).effect.authorization_id
    with pytest.raises(errors.NotFound):
        await record(assignment, task, "authorization.other", DONE)
    with pytest.raises(errors.FieldInvalid, match="outcome"):
        await record(assignment, task, key, Outcome(EffectStatus.NOT_DONE, content={}))
    with pytest.raises(errors.FieldInvalid, match="status"):
        await record(assignment, task, key, Outcome(EffectStatus.BEGUN))
    with pytest.raises(errors.TooLarge):
        await record(assignment, task, key, Outcome(EffectStatus.DONE, content={"x": "y" * 70_000}))
    await record(assignment, task, key, DONE)
    with pytest.raises(errors.IllegalTransition):
        await record(assignment, task, key, NOT_DONE)
    with pytest.raises(errors.IllegalTransition):
        await record(assignment, task, key, Outcome(EffectStatus.DONE, content={"receipt": "2"}))


async def test_a_page_of_effects_and_one_whole(assignment: AssignmentService, task: Task) -> None:
    keys = []
    for number in range(3):
        assignment.clock.advance(1)
        effect = (await begin(assignment, task, {"invoice": number})).effect
        keys.append(effect.authorization_id)
    await record(assignment, task, keys[0], DONE)
    wanted = EffectFilter(TASK)
    page = await assignment.effects.list(
        assignment.operator, wanted, page_request(2, "", {}, total=True)
    )
    assert [one.authorization_id for one in page.items] == keys[:0:-1]
    assert page.total == 3
    rest = await assignment.effects.list(
        assignment.operator, wanted, page_request(2, page.next_token, {})
    )
    assert [one.authorization_id for one in rest.items] == keys[:1]
    whole = await assignment.effects.get(assignment.operator, keys[0])
    assert (whole.subject, whole.outcome) == ({"invoice": 0}, {"receipt": "r.1"})
    with pytest.raises(errors.NotFound):
        await assignment.effects.get(assignment.operator, "authorization.other")
