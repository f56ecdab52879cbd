"""Fencing, gates, freshness and cover, as properties."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from assignment_svc.domain.discovery import Evaluation
from assignment_svc.domain.gate import Gate
from assignment_svc.domain.predicates import (
    CandidateLost,
    StaleRead,
    admitted,
    covers,
    fenced,
    fresh,
)
from assignment_svc.domain.states import TaskStatus
from assignment_svc.domain.task import Binding, Task, TaskSpec
from phoenix_runtime.core.durations import FRESH_SECONDS
from phoenix_runtime.core.errors import StaleAssignment
from phoenix_runtime.core.standing import Liveness, ParticipantStatus, RiskLevel, Standing
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Grants, Verdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REVISIONS = st.integers(1, 5)
STATUSES = st.sampled_from(ParticipantStatus)


def task(**fields: Any) -> Task:
    spec = TaskSpec("t", "o", ("a", "b"), ("d",), RiskLevel.LOW, (), "sha256:0")
    made = Task(spec, "ann", "", "c", NOW, NOW)
    return replace(made, **fields)


def standing(**fields: Any) -> Standing:
    made = Standing(
        "p",
        ParticipantStatus.ACTIVE,
        3,
        1,
        "agent",
        "owner",
        2,
        Grants(frozenset({"a", "b"}), frozenset({"d"})),
        Liveness.LEASED,
    )
    return replace(made, **fields)


def gates() -> st.SearchStrategy[Gate]:
    return st.builds(
        Gate,
        participant_id=st.just("p"),
        capacity=st.integers(0, 3),
        used=st.integers(0, 3),
        standing_revision=st.integers(0, 5),
        generation=st.integers(0, 3),
        status=STATUSES,
        retirement_id=st.sampled_from(["", "retire.1"]),
    )


@given(
    owner=st.sampled_from(["p", "q"]),
    held=st.integers(1, 4),
    newest=st.integers(1, 4),
    caller=st.sampled_from(["p", "q", ""]),
    shown=st.integers(-1, 4),
)
def test_only_the_owner_under_the_newest_epoch_passes_the_fence(
    owner: str, held: int, newest: int, caller: str, shown: int
) -> None:
    binding = Binding("assign.1", owner, "o", held, 1, 1, "d", NOW)
    row = task(binding=binding, epoch=newest)
    passes = caller == owner and shown == held == newest
    if passes:
        assert fenced(row, participant_id=caller, epoch=shown) == binding
    else:
        with pytest.raises(StaleAssignment):
            fenced(row, participant_id=caller, epoch=shown)


@given(shown=st.integers(-3, 10))
def test_nobody_passes_the_fence_of_a_task_that_nobody_holds(shown: int) -> None:
    with pytest.raises(StaleAssignment):
        fenced(task(epoch=shown), participant_id="p", epoch=shown)


@given(gate=gates(), revision=REVISIONS, status=STATUSES, degraded=st.booleans())
def test_a_gate_admits_only_where_it_is_open_unmarked_has_room_and_has_seen_nothing_newer(
    gate: Gate, revision: int, status: ParticipantStatus, *, degraded: bool
) -> None:
    evaluation = standing(standing_revision=revision, status=status)
    try:
        after = admitted(gate, evaluation, degraded_allowed=degraded)
    except StaleRead:
        assert gate.standing_revision > revision
        return
    except CandidateLost:
        current = gate.brought_up(evaluation)
        closed = not current.is_open(degraded_allowed=degraded)
        assert closed or current.used >= current.capacity
        return
    assert not after.marked
    assert after.used == gate.used + 1 <= after.capacity
    assert after.standing_revision == revision
    assert after.status is ParticipantStatus.ACTIVE or degraded


@given(gate=gates(), revisions=st.lists(REVISIONS, max_size=5))
def test_a_gate_never_goes_back_and_its_mark_is_never_lifted(
    gate: Gate, revisions: list[int]
) -> None:
    seen = gate
    for revision in revisions:
        after = seen.brought_up(standing(standing_revision=revision))
        assert after.standing_revision >= seen.standing_revision
        assert (after.retirement_id, after.used) == (gate.retirement_id, gate.used)
        seen = after


def test_a_seat_that_was_not_taken_cannot_be_released() -> None:
    with pytest.raises(ValueError, match="no seat"):
        Gate("p").released()


@given(standing_at=st.floats(0, 20), decision_at=st.floats(0, 20), now=st.floats(0, 30))
def test_both_standing_and_decision_have_to_be_fresh(
    standing_at: float, decision_at: float, now: float
) -> None:
    assume(now >= max(standing_at, decision_at))
    verdict = Verdict(Effect.ALLOW, "d", DecisionPoint.ASSIGN, "p", "r", "h", NOW)
    evaluation = Evaluation(standing(), verdict, standing_at, decision_at)
    if max(now - standing_at, now - decision_at) > FRESH_SECONDS:
        with pytest.raises(StaleRead):
            fresh(evaluation, monotonic=now)
    else:
        fresh(evaluation, monotonic=now)


def test_a_task_is_covered_by_every_capability_and_every_domain_alone() -> None:
    assert covers(standing(), task().spec)
    for grants in (
        Grants(frozenset({"a"}), frozenset({"d"})),
        Grants(frozenset({"a", "b"})),
    ):
        assert not covers(standing(grants=grants), task().spec)


def test_a_row_wakes_somebody_at_the_first_of_its_times_and_never_once_it_has_ended() -> None:
    later = NOW.replace(hour=2)
    row = task(start_due_at=later, next_try_at=NOW)
    assert row.wake_at == NOW
    assert replace(row, status=TaskStatus.CANCELLED).wake_at is None
    assert task().wake_at is None
