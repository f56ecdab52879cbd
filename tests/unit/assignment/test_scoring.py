"""The score explains itself, stays in [0, 1], and ranks the same whoever comes first."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assignment_svc.domain.discovery import Candidate, Seats
from assignment_svc.domain.scoring import ScoreWeights, others_first, rank
from phoenix_runtime.core.standing import Liveness, ParticipantStatus, Standing
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Grants, Verdict

WEIGHTS = ScoreWeights()
NEEDS = ("a", "b")


def candidate(name: str, **fields: Any) -> Candidate:
    trust = fields.pop("trust", 0.5)
    policy_score = fields.pop("policy_score", 1.0)
    certified = fields.pop("certified", frozenset())
    standing = Standing(
        name,
        ParticipantStatus.ACTIVE,
        1,
        1,
        "agent",
        "o",
        4,
        Grants(frozenset(NEEDS)),
        Liveness.LEASED,
    )
    verdict = Verdict(
        Effect.ALLOW,
        "d",
        DecisionPoint.DISCOVER,
        "p",
        "r",
        "h",
        datetime(2026, 1, 1, tzinfo=UTC),
        trust=trust,
        policy_score=policy_score,
    )
    return Candidate(replace(standing, **fields), verdict, certified)


def candidates() -> st.SearchStrategy[Candidate]:
    return st.builds(
        candidate,
        st.sampled_from(["p", "q", "r"]),
        trust=st.one_of(st.none(), st.floats(0, 1)),
        policy_score=st.floats(0, 1),
        certified=st.frozensets(st.sampled_from(NEEDS)),
        cost=st.one_of(st.none(), st.floats(0, 100)),
        load=st.one_of(st.none(), st.floats(0, 1)),
        suspect=st.booleans(),
        capacity=st.integers(0, 4),
    )


@given(st.lists(candidates(), max_size=5), st.integers(0, 6))
def test_every_score_and_term_is_between_0_and_1_and_has_a_sentence(
    chosen: list[Candidate], used: int
) -> None:
    seats = Seats(dict.fromkeys("pqr", used))
    for one in rank(NEEDS, chosen, seats=seats, weights=WEIGHTS):
        assert 0.0 <= one.score.total <= 1.0
        assert [term.name for term in one.score.terms] == [
            "capability_match",
            "availability",
            "trust",
            "cost_efficiency",
            "policy_score",
        ]
        assert all(0.0 <= term.value <= 1.0 and term.because for term in one.score.terms)


def total(**fields: Any) -> float:
    used = fields.pop("used", 0)
    beside = fields.pop("beside", ())
    ranked = rank(
        NEEDS,
        [candidate("p", **fields), *beside],
        seats=Seats({"p": used}),
        weights=WEIGHTS,
    )
    return next(one.score.total for one in ranked if one.candidate.participant_id == "p")


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"certified": frozenset(NEEDS)}, {"certified": frozenset({"a"})}),
        ({"used": 0}, {"used": 2}),
        ({"load": 0.1}, {"load": 0.9}),
        ({"suspect": False}, {"suspect": True}),
        ({"trust": 0.9}, {"trust": 0.4}),
        ({"cost": 1.0}, {"cost": 9.0}),
        ({"policy_score": 1.0}, {"policy_score": 0.5}),
    ],
)
def test_each_term_counts(better: dict[str, Any], worse: dict[str, Any]) -> None:
    dear = (candidate("q", cost=10.0),)
    assert total(**better, beside=dear) > total(**worse, beside=dear)


def test_seats_that_others_are_about_to_take_count_and_are_named() -> None:
    seats = Seats({"p": 1}, {"p": 2})
    (one,) = rank(NEEDS, [candidate("p", load=0.0)], seats=seats, weights=WEIGHTS)
    (availability,) = (term for term in one.score.terms if term.name == "availability")
    assert availability.value == pytest.approx(1 / 4)
    assert availability.because == "1 of 4 seats taken and 2 about to be, load 0.00"
    assert not one.crowded


def test_the_terms_are_those_of_the_design_notes() -> None:
    (one,) = rank(
        NEEDS,
        [candidate("p", certified=frozenset({"a"}), load=0.5, trust=0.7, suspect=True)],
        seats=Seats({"p": 1}),
        weights=WEIGHTS,
    )
    values = {term.name: term.value for term in one.score.terms}
    assert values["capability_match"] == pytest.approx((1 + 0.6) / 2)
    assert values["availability"] == pytest.approx((1 - 1 / 4) * (1 - 0.5) * 0.5)
    assert values["trust"] == pytest.approx(0.7)
    assert values["cost_efficiency"] == 1.0
    assert values["policy_score"] == 1.0


def test_whoever_failed_the_task_before_comes_after_all_others_in_the_same_order() -> None:
    chosen = [candidate("p", cost=1.0), candidate("q", cost=5.0), candidate("r", cost=9.0)]
    ranked = rank(NEEDS, chosen, seats=Seats(), weights=WEIGHTS)
    for failed, expected in (({"p"}, "qrp"), ({"q", "p"}, "rpq"), (set(), "pqr")):
        found = others_first(ranked, failed)
        assert "".join(one.candidate.participant_id for one in found) == expected
        assert {one.candidate.participant_id for one in found if one.failed_before} == failed


def test_ties_go_to_who_has_fewer_tasks_and_then_by_id() -> None:
    equals = [candidate("q"), candidate("p"), candidate("r", capacity=8)]
    seats = Seats({"r": 0})
    for order in permutations(equals):
        names = [
            o.candidate.participant_id for o in rank(NEEDS, order, seats=seats, weights=WEIGHTS)
        ]
        assert names == ["p", "q", "r"]
    busy = rank(
        NEEDS,
        [candidate("p", capacity=2), candidate("q", capacity=4)],
        seats=Seats({"p": 1, "q": 2}),
        weights=WEIGHTS,
    )
    assert [one.candidate.participant_id for one in busy] == ["p", "q"]
