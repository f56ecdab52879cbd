"""Reading an engine's answer: what is not plainly understood is a denial (I9)."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance_svc.domain.policy.verdicts import DecisionStamp, read_verdict, read_verdicts
from phoenix_runtime.core.verdict import (
    ENGINE,
    DecisionPoint,
    Effect,
    Grants,
    Obligation,
    Reason,
    Refusal,
)

STAMP = DecisionStamp(
    point=DecisionPoint.ASSIGN,
    decision_id="opa.dec.1",
    revision="sha256:bundle",
    input_hash="sha256:input",
    evaluated_at=datetime(2026, 1, 1, tzinfo=UTC),
)
RAW: dict[str, Any] = {
    "effect": "allow",
    "policy": "phoenix.task.assign",
    "policy_score": 0.5,
    "reasons": [{"rule": "assignable", "text": "It may."}],
    "remediation": ["Nothing."],
    "obligations": [{"id": "o", "text": "Do it.", "due": "before_complete"}],
    "approvers": [],
    "grants": {
        "capabilities": ["policy_check"],
        "data_domains": ["customer"],
        "permissions": [],
        "refused": [{"kind": "capability", "name": "x", "reason": "Unknown."}],
    },
    "trust": 0.6,
    "facts": {"certified": ["policy_check"]},
}


def test_a_whole_answer_is_read_as_it_was_meant() -> None:
    verdict = read_verdict(RAW, STAMP)
    assert verdict.effect is Effect.ALLOW
    assert verdict.policy == "phoenix.task.assign"
    assert (verdict.decision_id, verdict.policy_revision, verdict.input_hash) == (
        "opa.dec.1",
        "sha256:bundle",
        "sha256:input",
    )
    assert verdict.reasons == (Reason("assignable", "It may."),)
    assert verdict.obligations == (Obligation("o", "Do it.", "before_complete"),)
    assert verdict.grants == Grants(
        frozenset({"policy_check"}),
        frozenset({"customer"}),
        frozenset(),
        (Refusal("capability", "x", "Unknown."),),
    )
    assert (verdict.policy_score, verdict.trust, verdict.facts) == (
        0.5,
        0.6,
        {"certified": ["policy_check"]},
    )


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["It may."], "It may."),
        (["No seat.", "No trust."], "No seat. No trust."),
        (["no seat", "no trust", "Ask a human."], "no seat; no trust; Ask a human."),
        ([], ""),
    ],
)
def test_reasons_are_told_as_sentences(texts: list[str], told: str) -> None:
    reasons = [{"rule": "r", "text": text} for text in texts]
    assert read_verdict({**RAW, "reasons": reasons}, STAMP).explanation == told


def test_what_a_verdict_may_leave_out_has_its_default() -> None:
    verdict = read_verdict({"effect": "require_approval", "policy": "p"}, STAMP)
    assert verdict.effect is Effect.REQUIRE_APPROVAL
    assert (verdict.policy_score, verdict.grants, verdict.trust) == (1.0, None, None)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ({}, ("decision", "")),
        ({"met_by": "decision"}, ("decision", "")),
        ({"met_by": "approval", "action": "Merge"}, ("approval", "merge")),
        ({"met_by": "approval", "action": "task.complete"}, ("approval", "complete")),
        ({"due": "always"}, ("", "")),
    ],
)
def test_an_obligation_says_what_meets_it(said: dict[str, Any], read: tuple[str, str]) -> None:
    obligation = {"id": "o", "text": "Do it.", "due": "before_complete", **said}
    (found,) = read_verdict({**RAW, "obligations": [obligation]}, STAMP).obligations
    assert (found.met_by, found.action) == read


@pytest.mark.parametrize(
    "change",
    [
        {"facts": {"share": float("nan")}},
        {"facts": {"text": "\ud800"}},
        {"facts": {"number": 2**53 + 1}},
        {"policy": "\udfff"},
        {"remediation": ["\ud83d"]},
    ],
    ids=repr,
)
def test_what_no_answer_can_carry_is_a_denial(change: dict[str, Any]) -> None:
    verdict = read_verdict({**RAW, **change}, STAMP)
    assert (verdict.effect, verdict.policy) == (Effect.DENY, ENGINE)


@pytest.mark.parametrize(
    "raw",
    [None, True, "true", "allow", 1, 0.5, [], {}, ["allow"], {"effect": True}, {"effect": "ALLOW"}],
)
def test_anything_but_a_verdict_is_a_denial(raw: Any) -> None:
    verdict = read_verdict(raw, STAMP)
    assert verdict.effect is Effect.DENY
    assert verdict.policy == ENGINE
    assert verdict.explanation


@pytest.mark.parametrize(
    "change",
    [
        {"effect": None},
        {"effect": "true"},
        {"effect": "maybe"},
        {"effect": ["allow"]},
        {"fault": "it broke"},
        {"policy": ""},
        {"policy": None},
        {"policy_score": 2},
        {"policy_score": True},
        {"policy_score": "1"},
        {"policy_score": float("nan")},
        {"trust": -1},
        {"trust": "0.9"},
        {"reasons": "because"},
        {"reasons": [{"rule": "r"}]},
        {"reasons": ["because"]},
        {"remediation": [1]},
        {"obligations": [{"id": "o", "text": "t", "due": "sometime"}]},
        {"obligations": [{"id": "o", "text": "t", "due": "before_complete", "met_by": "word"}]},
        {"obligations": [{"id": "o", "text": "t", "due": "before_complete", "met_by": 1}]},
        {"obligations": [{"id": "o", "text": "t", "due": "before_complete", "met_by": "approval"}]},
        {"obligations": [{"id": "o", "text": "t", "due": "before_complete", "action": "merge"}]},
        {"obligations": [{"id": "o", "text": "t", "due": "always", "met_by": "decision"}]},
        {"obligations": {"id": "o"}},
        {"approvers": [None]},
        {"grants": ["policy_check"]},
        {"grants": {"capabilities": "policy_check"}},
        {"grants": {"refused": [{"kind": "capability"}]}},
        {"facts": ["certified"]},
    ],
)
def test_one_strange_part_makes_the_whole_a_denial(change: dict[str, Any]) -> None:
    assert read_verdict(RAW, STAMP).allowed
    assert read_verdict({**RAW, **change}, STAMP).effect is Effect.DENY


@pytest.mark.parametrize("point", [DecisionPoint.JOIN, DecisionPoint.UPDATE_CAPABILITIES])
def test_an_entry_that_grants_nothing_is_no_entry(point: DecisionPoint) -> None:
    stamp = DecisionStamp(point, "d", "r", "h", STAMP.evaluated_at)
    assert read_verdict(RAW, stamp).allowed
    assert read_verdict({**RAW, "grants": None}, stamp).effect is Effect.DENY


@pytest.mark.parametrize("answer", [None, "true", True, {}, {"0": RAW}, [], [RAW], [RAW] * 3])
def test_an_answer_of_another_length_or_shape_denies_every_input(answer: Any) -> None:
    verdicts = read_verdicts(answer, [STAMP, STAMP])
    assert [verdict.effect for verdict in verdicts] == [Effect.DENY, Effect.DENY]


def test_one_strange_answer_leaves_the_others_alone() -> None:
    verdicts = read_verdicts([RAW, "true", RAW], [STAMP] * 3)
    assert [verdict.allowed for verdict in verdicts] == [True, False, True]


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted(RAW)) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(json_values, st.integers(0, 3))
def test_garbage_never_allows_and_never_raises(answer: Any, inputs: int) -> None:
    verdicts = read_verdicts(answer, [STAMP] * inputs)
    assert len(verdicts) == inputs
    assert not any(verdict.allowed for verdict in verdicts)
