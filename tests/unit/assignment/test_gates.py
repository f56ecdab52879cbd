"""Seats are given back as they were taken, and the retirement mark is never lifted."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assignment_svc.domain.gate import Gate
from phoenix_runtime.core.standing import Liveness, ParticipantStatus, Standing
from phoenix_runtime.core.verdict import Grants


def standing(**fields: Any) -> Standing:
    made = Standing(
        "p", ParticipantStatus.ACTIVE, 1, 1, "agent", "team", 2, Grants(), Liveness.LEASED
    )
    return replace(made, **fields)


GATES = st.builds(
    Gate,
    participant_id=st.just("p"),
    capacity=st.integers(0, 3),
    used=st.integers(0, 3),
    standing_revision=st.integers(0, 5),
    generation=st.integers(0, 3),
    status=st.sampled_from(ParticipantStatus),
)
STANDINGS = st.builds(
    standing,
    standing_revision=st.integers(0, 6),
    generation=st.integers(0, 4),
    capacity=st.integers(0, 3),
    status=st.sampled_from(ParticipantStatus),
)


@given(gate=GATES)
def test_a_seat_that_is_taken_and_released_leaves_the_gate_as_it_was(gate: Gate) -> None:
    assert gate.taken().used == gate.used + 1
    assert gate.taken().released() == gate


@given(gate=GATES.filter(lambda gate: gate.used == 0))
def test_no_seat_is_released_that_was_not_taken(gate: Gate) -> None:
    with pytest.raises(ValueError, match="no seat to release"):
        gate.released()


@given(gate=GATES, standings=st.lists(STANDINGS, max_size=5))
def test_a_gate_follows_newer_standings_and_keeps_its_seats(
    gate: Gate, standings: list[Standing]
) -> None:
    for one in standings:
        after = gate.brought_up(one)
        assert after.used == gate.used
        assert after.standing_revision == max(gate.standing_revision, one.standing_revision)
        gate = after


@given(gate=GATES, standings=st.lists(STANDINGS, max_size=5))
def test_a_retiring_gate_never_opens_again(gate: Gate, standings: list[Standing]) -> None:
    gate = gate.retiring("retire.1")
    for one in standings:
        gate = gate.brought_up(one)
        assert gate.marked
        assert gate.refuses
        assert not gate.takes_back
        assert not gate.is_open(degraded_allowed=True)
    assert gate.retiring("retire.1") == gate
    with pytest.raises(ValueError, match=r"retires by retire\.1 already"):
        gate.retiring("retire.2")
