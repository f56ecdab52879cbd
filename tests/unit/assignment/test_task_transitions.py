"""Whatever happens to a task: who holds it, under which epoch, and what never changes."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assignment_svc.domain import losses, task_parking, task_transitions
from assignment_svc.domain.context import ContextPointer
from assignment_svc.domain.lifecycle import TaskVerb
from assignment_svc.domain.states import Actor, AssignmentIntent, ParkedAction, TaskStatus
from assignment_svc.domain.task import Binding, Parked, Task
from phoenix_runtime.core.errors import IllegalTransition
from phoenix_runtime.core.events import ReasonCode
from tests.support.builders.membership import NOW, binding, spec, task, verdict

LATER = NOW + timedelta(seconds=5)
REASON = ReasonCode.REQUESTED
FAILED = ReasonCode.PARTICIPANT_FAILED
QUESTION = Parked(ParkedAction.ASSIGN, "approval.1", "sha256:1", "agent.a")
POINTER = ContextPointer("task.1", 1, "sha256:2", 10, "agent.a", 1, NOW)
HOLDING = {TaskStatus.ASSIGNED, TaskStatus.ACTIVE}


def next_binding(before: Task) -> Binding:
    return binding(before.next_epoch, at=LATER)


def ends_by(verb: TaskVerb, actor: Actor) -> Callable[[Task], Task]:
    return lambda one: task_transitions.ended(one, verb, actor, reason=REASON, result_hash="r")


def requeues_by(verb: TaskVerb, actor: Actor) -> Callable[[Task], Task]:
    return lambda one: task_transitions.requeued(one, verb, actor, reason=REASON, at=LATER)


def awaits(one: Task, action: ParkedAction) -> bool:
    return one.parked_for is action


def asked_again(one: Task) -> Task:
    assert one.parked is not None
    return task_parking.asked_again(one, one.parked, "approval.2")


@dataclass(frozen=True)
class Step:
    """A transition, and the guard that use cases ask before it, beside the lifecycle table."""

    apply: Callable[[Task], Task]
    guard: Callable[[Task], bool] = lambda one: not one.ended


STEPS = {
    "assigned": Step(lambda t: task_transitions.assigned(t, next_binding(t), verdict("why"))),
    "started": Step(lambda t: task_transitions.started(t, LATER)),
    "declined": Step(requeues_by(TaskVerb.DECLINE, Actor.ASSIGNEE)),
    "retried": Step(requeues_by(TaskVerb.RETRY, Actor.DEADLINE)),
    "lost": Step(lambda t: losses.with_loss(t, FAILED, LATER), lambda t: losses.is_loss(t, FAILED)),
    "fenced": Step(lambda t: task_transitions.fenced(t, REASON)),
    "rebound": Step(lambda t: task_transitions.rebound(t, next_binding(t), verdict())),
    "returned": Step(lambda t: task_transitions.returned(t, next_binding(t), verdict())),
    "restored": Step(
        lambda t: task_transitions.restored(t, next_binding(t), Actor.OPERATOR),
    ),
    "resumed": Step(
        lambda t: task_transitions.resumed(t, next_binding(t)), lambda t: t.binding is not None
    ),
    "resume awaited": Step(
        lambda t: task_transitions.resume_awaited(t, LATER), lambda t: t.binding is not None
    ),
    "parked": Step(
        lambda t: task_parking.parked_for_assignment(t, QUESTION),
        lambda t: t.status is TaskStatus.PENDING or awaits(t, ParkedAction.ASSIGN),
    ),
    "unparked": Step(
        lambda t: task_parking.unparked(t, TaskVerb.UNPARK, reason=REASON, at=LATER),
    ),
    "parked with its result": Step(
        lambda t: task_parking.parked_with_result(t, "approval.1", "sha256:3"),
        lambda t: t.status is TaskStatus.ACTIVE,
    ),
    "asked again": Step(asked_again, lambda t: t.parked is not None),
    "result refused": Step(
        lambda t: task_parking.result_refused(t, reason=REASON, at=LATER),
        lambda t: t.binding is not None,
    ),
    "refused without owner": Step(
        lambda t: task_parking.result_refused_without_owner(t, REASON),
        lambda t: t.binding is None,
    ),
    "orphaned": Step(
        lambda t: task_transitions.orphaned(t, REASON), lambda t: t.binding is not None
    ),
    "checkpointed": Step(
        lambda t: task_transitions.checkpointed(t, POINTER, ("why",)),
        lambda t: t.status is TaskStatus.ACTIVE,
    ),
    "explained": Step(lambda t: task_transitions.explained(t, "no such column")),
    "nobody found": Step(
        lambda t: task_transitions.nobody_found(t, next_try_at=LATER, failure_hash="f"),
        lambda t: t.status is TaskStatus.PENDING,
    ),
    "handoff began": Step(
        lambda t: task_transitions.handoff_began(t, "handoff.1"), lambda t: t.status in HOLDING
    ),
    "succeeded": Step(ends_by(TaskVerb.SUCCEED, Actor.ASSIGNEE)),
    "failed": Step(ends_by(TaskVerb.FAIL, Actor.ASSIGNEE)),
    "abandoned": Step(ends_by(TaskVerb.ABANDON, Actor.ENGINE)),
    "expired": Step(ends_by(TaskVerb.EXPIRE, Actor.DEADLINE)),
    "cancelled": Step(ends_by(TaskVerb.CANCEL, Actor.OPERATOR)),
}
ENDS = {"succeeded", "failed", "abandoned", "expired", "cancelled"}
GOES_ON = st.sampled_from(sorted(STEPS.keys() - ENDS))
WALKS = st.lists(st.one_of(GOES_ON, GOES_ON, st.sampled_from(sorted(STEPS))), max_size=40)


def history(walk: list[str]) -> list[Task]:
    """The task after each step of ``walk`` that its guard and the lifecycle table permit."""
    tasks = [task()]
    for name in walk:
        step = STEPS[name]
        if not step.guard(tasks[-1]):
            continue
        try:
            tasks.append(step.apply(tasks[-1]))
        except IllegalTransition:
            continue
    return tasks


@given(walk=WALKS)
def test_what_was_submitted_never_changes(walk: list[str]) -> None:
    first, *others = history(walk)
    for one in others:
        assert one.spec is first.spec
        assert (one.submitter, one.correlation_id) == (first.submitter, first.correlation_id)
        assert (one.submitted_at, one.depth) == (first.submitted_at, first.depth)


@given(walk=WALKS)
def test_every_gain_and_every_loss_of_ownership_raises_the_epoch(walk: list[str]) -> None:
    tasks = history(walk)
    for before, after in itertools.pairwise(tasks):
        if before.binding == after.binding:
            assert after.epoch == before.epoch
        else:
            assert after.epoch > before.epoch
        if after.binding is not None:
            assert after.binding.epoch == after.epoch


@given(walk=WALKS)
def test_no_epoch_is_held_twice(walk: list[str]) -> None:
    held = list(dict.fromkeys(one.binding for one in history(walk) if one.binding is not None))
    epochs = [one.epoch for one in held]
    assert epochs == sorted(set(epochs))


@given(walk=WALKS)
def test_owner_question_and_deadlines_agree_with_the_status(walk: list[str]) -> None:
    for one in history(walk):
        assert (one.parked is not None) == (one.status is TaskStatus.AWAITING_APPROVAL)
        if one.status in HOLDING:
            assert one.binding is not None
        elif one.parked_for is not ParkedAction.COMPLETE:
            assert one.binding is None
        assert (one.start_due_at is not None) == (one.status is TaskStatus.ASSIGNED)
        assert (one.attempt_due_at is not None) == (one.status is TaskStatus.ACTIVE)
        assert one.resume_due_at is None or one.binding is not None


@given(walk=WALKS, end=st.sampled_from(sorted(ENDS)))
def test_an_ended_task_has_no_owner_and_waits_for_nothing(walk: list[str], end: str) -> None:
    for one in history([*walk, end]):
        if one.ended:
            assert one.binding is None
            assert one.parked is None
            assert one.wake_at is None
            assert one.handoff_id == ""
            assert (one.next_try_at, one.resume_due_at) == (None, None)


@given(walk=WALKS)
def test_an_obligation_stays_owed_until_it_is_reported_as_met(walk: list[str]) -> None:
    tasks = history(walk)
    for before, after in itertools.pairwise(tasks):
        known = {one.id: one for one in after.obligations}
        for obligation in before.obligations:
            assert known[obligation.id].fulfilled >= obligation.fulfilled


@given(walk=WALKS)
def test_losses_are_counted_one_at_a_time_and_never_forgotten(walk: list[str]) -> None:
    tasks = history(walk)
    for before, after in itertools.pairwise(tasks):
        assert after.losses - before.losses in {0, 1}
        assert after.lost[: len(before.lost)] == before.lost
    last = tasks[-1]
    assert len(last.lost) == last.losses
    assert set(last.lost_owners) == {loss.participant_id for loss in last.lost}


ACTIVE = task(
    status=TaskStatus.ACTIVE,
    binding=binding(),
    epoch=1,
    attempt=1,
    attempt_due_at=NOW,
    handoff_id="handoff.1",
)
MIGRATING = task_transitions.fenced(ACTIVE, REASON)
LOSES = {"binding", "epoch", "attempt_due_at", "status", "reason"}


@pytest.mark.parametrize(
    ("before", "step", "touched"),
    [
        (task(), "assigned", {"binding", "epoch", "status", "start_due_at", "obligations"}),
        (ACTIVE, "lost", {"losses", "lost"}),
        (ACTIVE, "fenced", LOSES),
        (ACTIVE, "retried", LOSES | {"next_try_at"}),
        (ACTIVE, "cancelled", LOSES | {"handoff_id", "result_hash"}),
        (ACTIVE, "resumed", {"binding", "epoch"}),
        (ACTIVE, "checkpointed", {"pointer"}),
        (ACTIVE, "parked with its result", {"status", "parked", "attempt_due_at", "reason"}),
        (MIGRATING, "rebound", LOSES | {"handoff_id"}),
        (MIGRATING, "restored", LOSES),
        (MIGRATING, "returned", LOSES),
    ],
)
def test_a_step_touches_these_fields_and_no_other(
    before: Task, step: str, touched: set[str]
) -> None:
    after = STEPS[step].apply(before)
    changed = {f.name for f in fields(Task) if getattr(before, f.name) != getattr(after, f.name)}
    assert changed == touched


def test_a_binding_under_an_old_epoch_is_refused() -> None:
    with pytest.raises(ValueError, match=r"epoch 1 of task\.1 is not above 1"):
        task_transitions.assigned(task(epoch=1), binding(1), verdict())


def test_who_gets_a_task_back_may_start_again_and_has_time_for_it() -> None:
    assigned = task_transitions.assigned(task(), binding(1), verdict())
    assert assigned.start_due_at == NOW + assigned.spec.start_timeout
    active = task_transitions.started(assigned, LATER)
    assert (active.attempt, active.attempt_due_at) == (1, LATER + timedelta(seconds=30))
    queued = STEPS["retried"].apply(active)
    assert (queued.attempt, queued.next_try_at) == (1, LATER)


@pytest.mark.parametrize(
    ("intent", "tried"), [(AssignmentIntent.AUTOMATIC, True), (AssignmentIntent.ON_REQUEST, False)]
)
def test_the_engine_looks_for_an_assignee_only_where_it_was_asked_to(
    intent: AssignmentIntent, *, tried: bool
) -> None:
    made = task_transitions.submitted(task(spec=spec(intent=intent)), Actor.SUBMITTER)
    assert (made.next_try_at is not None) == tried
    left = task_transitions.left_to_submitter(made, LATER)
    assert left.next_try_at == (LATER if tried else None)
    assert task_transitions.submission_recorded(made, "event.1").submit_event_id == "event.1"
