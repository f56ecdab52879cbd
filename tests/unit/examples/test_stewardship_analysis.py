"""What the stewardship agents know about duplicates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.stewardship.analysis import (
    Finding,
    batches,
    breaches,
    finding_of,
    golden_records,
    ordered,
    proposal,
    quality,
    worth_a_look,
)

SOME = ("given_name", "date_of_birth")


def found(left: str, right: str, score: float = 0.9, agree: tuple[str, ...] = SOME) -> Finding:
    return Finding(left, right, score, agree)


@given(st.sets(st.tuples(st.text(), st.text())), st.integers(1, 20))
def test_batches_hold_every_pair_once_in_the_same_order_every_time(
    pairs: set[tuple[str, str]], size: int
) -> None:
    cut = list(batches(pairs, size))
    flat = [pair for batch in cut for pair in batch]
    assert flat == sorted(pairs)
    assert all(0 < len(batch) <= size for batch in cut)


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        list(batches([], 0))


def test_a_finding_survives_json() -> None:
    finding = found("a", "b", 0.625)
    assert finding_of(finding.document()) == finding


def test_only_what_is_worth_a_look_is_kept() -> None:
    assert worth_a_look([found("a", "b", 0.55), found("c", "d", 0.54)]) == [found("a", "b", 0.55)]


def test_precision_and_recall_are_counted_against_the_known() -> None:
    measured = quality([("a", "b"), ("a", "c")], [("a", "b"), ("x", "y"), ("u", "v")])
    assert (measured.precision, round(measured.recall, 3)) == (0.5, 0.333)
    assert "1 right of 2 found, 3 known" in str(measured)


def test_finding_nothing_is_precise_and_knowing_nothing_is_complete() -> None:
    assert quality([], [("a", "b")]).precision == 1
    assert quality([("a", "b")], []).recall == 1


def test_a_record_in_two_merges_breaches_the_weaker_one() -> None:
    (breach,) = breaches([found("a", "b", 0.9), found("b", "c", 0.7)])
    assert (breach["left"], breach["right"], breach["rule"]) == ("b", "c", "merged_once")


def test_a_pair_that_only_a_family_would_share_breaches() -> None:
    (breach,) = breaches([found("a", "b", 0.9, ("surname", "address_1"))])
    assert breach["rule"] == "identity_agrees"


def test_a_proposal_leaves_out_what_was_breached_and_what_is_not_sure() -> None:
    findings = [found("a", "b", 0.9), found("c", "d", 0.57), found("e", "f", 0.8)]
    against = [{"left": "e", "right": "f", "rule": "identity_agrees", "text": "…"}]
    bold = proposal(findings, against, at_least=0.55)
    careful = proposal(findings, against, at_least=0.6)
    assert (bold["pairs"], bold["left_out"]) == ([["a", "b"], ["c", "d"]], 1)
    assert (careful["pairs"], careful["lowest_score"]) == ([["a", "b"]], 0.9)
    assert bold != careful


def test_a_golden_record_has_the_longer_text_of_each_field_whatever_the_order() -> None:
    records = {"a": {"name": "Ann", "suburb": "Perth"}, "b": {"name": "Anna"}}
    expected = {"a": {"name": "Anna", "suburb": "Perth"}}
    assert golden_records([("b", "a")], records) == expected
    assert golden_records([("a", "b")], records) == expected


def test_a_pair_has_one_order() -> None:
    assert ordered("b", "a") == ordered("a", "b") == ("a", "b")
