"""Trust: six components, explained, from audit evidence alone (paper, section 11)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance_svc.adapters.bundle_folder import shipped_bundle
from governance_svc.domain.trust.certification import Certification, Method
from governance_svc.domain.trust.evidence import (
    Denial,
    Evidence,
    HealthSummary,
    IdentityProof,
    Review,
    TaskOutcome,
)
from governance_svc.domain.trust.scoring import COMPONENTS, TrustScorer, trust_input, trust_ok
from phoenix_runtime.core.score import Score
from phoenix_runtime.core.standing import RiskLevel

NOW = datetime(2026, 6, 13, 21, tzinfo=UTC)
CATALOGUE = shipped_bundle().catalogue
STANDARD = CATALOGUE.trust_policy("enterprise-standard")
SCORER = TrustScorer(STANDARD, CATALOGUE.trust_model, NOW)
NEWCOMER = Evidence(identity=IdentityProof("local", owner_certified=False, event_id="event.join"))


def certification(capability: str = "policy_check", **fields: object) -> Certification:
    granted = Certification(
        certification_id="cert.1",
        participant_id="agent.a",
        capability=capability,
        method=Method.HUMAN,
        evidence="reviewed",
        coverage=1.0,
        granted_by="olga",
        granted_at=NOW - timedelta(days=1),
        valid_until=NOW + timedelta(days=364),
        event_id="event.cert",
    )
    return replace(granted, **fields)  # type: ignore[arg-type]


def component(score: Score, name: str) -> float:
    return next(term.value for term in score.terms if term.name == name)


def test_an_unproven_newcomer_takes_medium_risk_and_not_high() -> None:
    score = SCORER.score(NEWCOMER, "duplicate_detection")
    # 0.15·0.7 identity + 0.25·0 certification + 0.2·0.5 reliability + 0.15·1 compliance
    # + 0.15·1 health + 0.1·0.5 reviews
    assert (
        score.total == pytest.approx(0.105 + 0 + 0.1 + 0.15 + 0.15 + 0.05) == pytest.approx(0.555)
    )
    assert trust_ok([score], STANDARD, RiskLevel.MEDIUM)
    assert not trust_ok([score], STANDARD, RiskLevel.HIGH)


def test_a_certificate_lifts_a_newcomer_to_high_risk_for_that_capability_alone() -> None:
    evidence = replace(NEWCOMER, certifications=(certification("policy_check"),))
    certified, other = (SCORER.score(evidence, c) for c in ("policy_check", "duplicate_detection"))
    assert certified.total == pytest.approx(0.805)
    assert trust_ok([certified], STANDARD, RiskLevel.HIGH)
    # TrustOK is the least over the required capabilities.
    assert not trust_ok([certified, other], STANDARD, RiskLevel.HIGH)
    assert not trust_ok([], STANDARD, RiskLevel.LOW)


def test_every_term_names_itself_its_weight_its_reason_and_its_events() -> None:
    evidence = replace(
        NEWCOMER,
        certifications=(certification(),),
        outcomes=(TaskOutcome("succeeded", NOW, "event.2"), TaskOutcome("lost", NOW, "event.3")),
        denials=(Denial("medium", NOW, "event.4"),),
        health=(HealthSummary(15, 12, NOW, "event.5"),),
        reviews=(Review(approved=True, at=NOW, event_id="event.6"),),
    )
    terms = SCORER.score(evidence, "policy_check").terms
    assert tuple(term.name for term in terms) == COMPONENTS
    assert sum(term.weight for term in terms) == pytest.approx(1.0)
    assert [term.because for term in terms] == [
        "credential proved by local",
        "policy_check certified by human, coverage 1.00",
        "1 of 2 tasks succeeded",
        "1 denial as actor",
        "12 of 15 beats on time",
        "1 of 1 proposals approved",
    ]
    assert [term.evidence for term in terms] == [
        ("event.join",),
        ("event.cert",),
        ("event.3", "event.2"),
        ("event.4",),
        ("event.5",),
        ("event.6",),
    ]
    assert [term.value for term in terms] == pytest.approx([0.7, 1.0, 0.5, 0.9, 32 / 35, 0.6])


@pytest.mark.parametrize(
    ("method", "value"), [("local", 0.7), ("oidc", 0.9), ("svid", 1.0), ("", 0)]
)
def test_identity_is_as_sure_as_its_proof(method: str, value: float) -> None:
    proof = IdentityProof(method, owner_certified=False, event_id="e")
    assert component(SCORER.score(Evidence(identity=proof)), "identity_assurance") == value


def test_a_certified_owner_makes_up_half_of_what_identity_lacks() -> None:
    by_entry = replace(
        NEWCOMER, identity=IdentityProof("local", owner_certified=True, event_id="e")
    )
    by_certification = replace(NEWCOMER, certifications=(certification(""),))
    for evidence in (by_entry, by_certification):
        score = SCORER.score(evidence)
        assert component(score, "identity_assurance") == pytest.approx(0.85)
        assert component(score, "capability_certification") == 0


def test_nobody_known_has_no_identity() -> None:
    assert component(SCORER.score(Evidence()), "identity_assurance") == 0


@pytest.mark.parametrize(
    "spoilt",
    [
        {"valid_until": NOW},
        {"revoked_at": NOW - timedelta(hours=1)},
        {"capability": "duplicate_detection"},
        {"coverage": 0.4},
    ],
)
def test_a_certificate_that_lapsed_was_revoked_is_another_or_covers_little_certifies_nothing(
    spoilt: dict[str, object],
) -> None:
    assert SCORER.certified(replace(NEWCOMER, certifications=(certification(),)), "policy_check")
    evidence = replace(NEWCOMER, certifications=(certification(**spoilt),))
    assert not SCORER.certified(evidence, "policy_check")


def test_evidence_counts_half_after_a_half_life() -> None:
    fresh = (TaskOutcome("succeeded", NOW, "e"),)
    old = (TaskOutcome("succeeded", NOW - timedelta(days=30), "e"),)
    value = [
        component(SCORER.score(Evidence(outcomes=o)), "historical_reliability")
        for o in (fresh, old)
    ]
    assert value == pytest.approx([3 / 5, 2.5 / 4.5])


def test_a_newcomer_that_misses_its_second_beats_is_still_trusted_at_medium_risk() -> None:
    stumbled = replace(
        NEWCOMER,
        outcomes=(TaskOutcome("lost", NOW, "event.lost"),),
        health=(HealthSummary(4, 2, NOW, "event.beats"),),
    )
    score = SCORER.score(stumbled)
    assert component(score, "runtime_health") == pytest.approx(22 / 24)
    assert trust_ok([score], STANDARD, RiskLevel.MEDIUM)


def test_evidence_from_ages_ago_says_nothing() -> None:
    ages_ago = NOW - timedelta(days=100_000)
    evidence = Evidence(health=(HealthSummary(10, 0, ages_ago, "e"),))
    assert component(SCORER.score(evidence), "runtime_health") == 1


def test_the_document_for_policy_is_rounded_so_that_sums_reach_their_threshold() -> None:
    general = SCORER.score(NEWCOMER)
    document = trust_input(general, {"policy_check": general}, {"policy_check"})
    assert document == {
        "general": 0.555,
        "by_capability": {"policy_check": {"total": 0.555, "certified": True}},
    }


moments = st.integers(0, 4000).map(lambda hours: NOW - timedelta(hours=hours))
event_ids = st.integers(0, 9999).map(lambda number: f"event.{number}")
outcomes = st.builds(
    TaskOutcome, st.sampled_from(("succeeded", "failed", "lost", "declined")), moments, event_ids
)
denials = st.builds(Denial, st.sampled_from(("low", "medium", "high")), moments, event_ids)
health = st.builds(HealthSummary, st.integers(0, 500), st.integers(0, 500), moments, event_ids)
reviews = st.builds(Review, st.booleans(), moments, event_ids)
certifications = st.builds(
    certification,
    st.sampled_from(("", "policy_check", "duplicate_detection")),
    coverage=st.floats(0.01, 1),
    granted_at=moments,
)
evidences = st.builds(
    Evidence,
    st.none()
    | st.builds(
        IdentityProof,
        st.sampled_from(("local", "oidc", "svid", "service")),
        st.booleans(),
        event_ids,
    ),
    *(
        st.lists(one, max_size=12).map(tuple)
        for one in (certifications, outcomes, denials, health, reviews)
    ),
)


@given(evidences)
def test_trust_is_always_between_nothing_and_everything(evidence: Evidence) -> None:
    score = SCORER.score(evidence, "policy_check")
    assert 0 <= score.total <= 1
    assert all(0 <= term.value <= 1 and len(term.evidence) <= 5 for term in score.terms)


@given(evidences, st.randoms(use_true_random=False))
def test_the_order_of_the_evidence_does_not_matter(
    evidence: Evidence, random: st.DataObject
) -> None:
    def mixed(items: tuple[object, ...]) -> tuple[object, ...]:
        shuffled = list(items)
        random.shuffle(shuffled)  # type: ignore[attr-defined]
        return tuple(shuffled)

    other = Evidence(
        evidence.identity,
        *(
            mixed(items)  # type: ignore[arg-type]
            for items in (
                evidence.certifications,
                evidence.outcomes,
                evidence.denials,
                evidence.health,
                evidence.reviews,
            )
        ),
    )
    one, two = (SCORER.score(e, "policy_check") for e in (evidence, other))
    assert one.total == pytest.approx(two.total, abs=1e-12)


@given(evidences, event_ids)
def test_evidence_for_never_lowers_trust_and_evidence_against_never_raises_it(
    evidence: Evidence, event_id: str
) -> None:
    before = SCORER.score(evidence, "policy_check").total
    better = (
        replace(evidence, outcomes=(*evidence.outcomes, TaskOutcome("succeeded", NOW, event_id))),
        replace(
            evidence, reviews=(*evidence.reviews, Review(approved=True, at=NOW, event_id=event_id))
        ),
        replace(evidence, certifications=(*evidence.certifications, certification())),
        replace(evidence, health=(*evidence.health, HealthSummary(10, 10, NOW, event_id))),
    )
    worse = (
        replace(evidence, outcomes=(*evidence.outcomes, TaskOutcome("lost", NOW, event_id))),
        replace(evidence, outcomes=(*evidence.outcomes, TaskOutcome("declined", NOW, event_id))),
        replace(evidence, denials=(*evidence.denials, Denial("low", NOW, event_id))),
        replace(evidence, health=(*evidence.health, HealthSummary(10, 0, NOW, event_id))),
    )
    assert all(SCORER.score(e, "policy_check").total >= before - 1e-12 for e in better)
    assert all(SCORER.score(e, "policy_check").total <= before + 1e-12 for e in worse)


@given(denials)
def test_a_denial_is_forgiven_with_time(denial: Denial) -> None:
    later = replace(SCORER, now=NOW + timedelta(days=30))
    now, then = (
        component(s.score(Evidence(denials=(denial,))), "policy_compliance")
        for s in (SCORER, later)
    )
    assert now < then < 1
