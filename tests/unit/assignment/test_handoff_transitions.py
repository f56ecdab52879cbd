"""Whatever happens to a handoff: when an offer stands, who keeps a seat, how it ends."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assignment_svc.domain import handoff_transitions as steps
from assignment_svc.domain.handoff import Acceptance, Handoff, ParkedHandoff
from assignment_svc.domain.lifecycle import HandoffVerb
from assignment_svc.domain.states import Actor, HandoffStatus
from phoenix_runtime.core.errors import IllegalTransition
from tests.support.builders.membership import NOW, handoff, offer

LATER = NOW + timedelta(seconds=5)
QUESTION = ParkedHandoff("approval.1", "sha256:1", "agent.b")
ACCEPTANCE = Acceptance("sha256:0", ("why",))


def ends_offer(verb: HandoffVerb, actor: Actor) -> Callable[[Handoff], Handoff]:
    return lambda one: steps.offer_ended(one, verb, actor, LATER)


def completed(one: Handoff) -> Handoff:
    given = one.offer or offer()
    return steps.completed(one, given, ACCEPTANCE, epoch=7, decision_id="decision.9")


@dataclass(frozen=True)
class Step:
    """A transition, and the guard that use cases ask before it, beside the lifecycle table."""

    apply: Callable[[Handoff], Handoff]
    guard: Callable[[Handoff], bool] = lambda one: not one.ended


STEPS = {
    "offered": Step(
        lambda h: steps.offered(h, offer(), source_seated=not h.source_gone),
    ),
    "declined": Step(ends_offer(HandoffVerb.DECLINE, Actor.TARGET)),
    "timed out": Step(ends_offer(HandoffVerb.TIME_OUT, Actor.DEADLINE)),
    "withdrawn": Step(ends_offer(HandoffVerb.WITHDRAW, Actor.ENGINE)),
    "source lost": Step(lambda h: steps.source_lost(h, LATER)),
    "parked": Step(lambda h: steps.parked(h, QUESTION)),
    "cleared": Step(
        lambda h: steps.cleared(h, target="agent.b", approval_id="approval.1", at=LATER)
    ),
    "target refused": Step(lambda h: steps.target_refused(h, LATER)),
    "nobody found": Step(
        lambda h: steps.nobody_found(h, next_try_at=LATER, at=NOW),
        lambda h: h.status is HandoffStatus.INITIATED,
    ),
    "completed": Step(completed),
    "aborted": Step(lambda h: steps.aborted(h, Actor.ENGINE)),
    # A living source that was fenced has its task again; it is not denied a handoff.
    "denied": Step(lambda h: steps.denied(h, "f"), lambda h: not h.source_seated),
}
ENDS = {"completed", "aborted", "denied"}
GOES_ON = st.sampled_from(sorted(STEPS.keys() - ENDS))
WALKS = st.lists(st.one_of(GOES_ON, GOES_ON, st.sampled_from(sorted(STEPS))), max_size=30)


def history(walk: list[str]) -> list[Handoff]:
    """The handoff after each step of ``walk`` that its guard and the lifecycle table permit."""
    handoffs = [handoff()]
    for name in walk:
        step = STEPS[name]
        if not step.guard(handoffs[-1]):
            continue
        try:
            handoffs.append(step.apply(handoffs[-1]))
        except IllegalTransition:
            continue
    return handoffs


@given(walk=WALKS)
def test_the_link_to_its_source_never_changes(walk: list[str]) -> None:
    first, *others = history(walk)
    for one in others:
        assert one.source_binding == first.source_binding
        assert (one.handoff_id, one.task_id) == (first.handoff_id, first.task_id)
        assert (one.reason, one.requested_by) == (first.reason, first.requested_by)


@given(walk=WALKS)
def test_an_offer_stands_while_it_is_offered_and_a_question_while_it_is_parked(
    walk: list[str],
) -> None:
    for one in history(walk):
        assert (one.offer is not None) == (one.status is HandoffStatus.OFFERED)
        assert (one.parked is not None) == (one.status is HandoffStatus.AWAITING_APPROVAL)


@given(walk=WALKS)
def test_a_source_that_is_gone_stays_gone_and_keeps_no_seat(walk: list[str]) -> None:
    handoffs = history(walk)
    for before, after in itertools.pairwise(handoffs):
        assert after.source_gone >= before.source_gone
    for one in handoffs:
        assert not (one.source_gone and one.source_seated)


@given(walk=WALKS, end=st.sampled_from(sorted(ENDS)))
def test_an_ended_handoff_keeps_no_seat_and_waits_for_nothing(walk: list[str], end: str) -> None:
    for one in history([*walk, end]):
        if one.ended:
            assert not one.source_seated
            assert one.next_try_at is None
            assert one.wake_at is None


@given(walk=WALKS)
def test_an_open_handoff_waits_for_a_time_or_a_human(walk: list[str]) -> None:
    for one in history(walk):
        if not one.ended:
            waits_for_human = one.status is HandoffStatus.AWAITING_APPROVAL
            assert (one.wake_at is not None) or waits_for_human or one == handoff()


def test_a_completed_handoff_names_what_was_received_and_under_which_epoch() -> None:
    done = completed(steps.offered(handoff(), offer(), source_seated=True))
    assert (done.target, done.target_epoch, done.decision_id) == ("agent.b", 7, "decision.9")
    assert (done.received_hash, done.accepted_obligations) == ("sha256:0", ("why",))


def test_a_decline_is_the_targets_alone() -> None:
    standing = steps.offered(handoff(), offer(), source_seated=False)
    with pytest.raises(IllegalTransition):
        steps.offer_ended(standing, HandoffVerb.DECLINE, Actor.ENGINE, LATER)
