from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from phoenix_runtime.core.standing import Liveness, ParticipantStatus, Standing
from phoenix_runtime.core.verdict import DecisionPoint, Effect, Grants, Reason, Verdict
from registry_svc.domain.declaration import Declaration
from registry_svc.domain.discovery import (
    Candidate,
    Requirement,
    excluded_by_filter,
    excluded_by_policy,
)
from registry_svc.domain.health import Health
from registry_svc.domain.participant import Participant, register
from registry_svc.domain.ranking import (
    CapabilityTrust,
    Eligible,
    KnownTrust,
    Matching,
    RankWeights,
    Scale,
    places,
    rank,
    scale_of,
)

NOON = datetime(2026, 1, 1, tzinfo=UTC)
REQUIRED = ("duplicate_detection", "customer_validation")


def verdict(**fields: Any) -> Verdict:
    said: dict[str, Any] = {
        "effect": Effect.ALLOW,
        "decision_id": "opa.dec.1",
        "point": DecisionPoint.DISCOVER,
        "policy": "p",
        "policy_revision": "r",
        "input_hash": "h",
        "evaluated_at": NOON,
        "trust": 0.6,
    }
    return Verdict(**{**said, **fields})


def standing(name: str = "agent.1", **fields: Any) -> Standing:
    said: dict[str, Any] = {
        "participant_id": name,
        "status": ParticipantStatus.ACTIVE,
        "standing_revision": 1,
        "generation": 1,
        "type": "agent",
        "owner": "acme",
        "capacity": 1,
        "grants": Grants(frozenset(REQUIRED)),
        "liveness": Liveness.LEASED,
    }
    return Standing(**{**said, **fields})


def rank_all(judged: Sequence[Eligible]) -> tuple[Candidate, ...]:
    """Rank those who are judged, as if nobody else matched."""
    standings = [one.standing for one in judged]
    scale = scale_of((one.cost for one in standings), (one.latency for one in standings))
    return rank(judged, REQUIRED, RankWeights(), scale)


def ranked(*judged: Eligible) -> list[str]:
    return [one.standing.participant_id for one in rank_all(judged)]


def member(name: str, status: str = "active", **grants: Any) -> Participant:
    declaration = Declaration(id=name, type="agent", owner="acme")
    made = register(None, declaration, Grants(**grants), actor="operator", at=NOON)
    return replace(made, status=ParticipantStatus(status))


unit_interval = st.floats(min_value=0.0, max_value=1.0)
standings = st.builds(
    standing,
    name=st.sampled_from([f"agent.{n}" for n in range(20)]),
    load=st.none() | unit_interval,
    latency=st.none() | st.floats(min_value=0.0, max_value=100.0),
    cost=st.none() | st.floats(min_value=0.0, max_value=1e6),
    suspect=st.booleans(),
)


@given(
    st.lists(
        st.tuples(standings, st.none() | unit_interval),
        max_size=20,
        unique_by=lambda p: p[0].participant_id,
    )
)
def test_every_rank_is_a_weighted_sum_of_explained_terms(
    members: list[tuple[Standing, float | None]],
) -> None:
    judged = [Eligible(one, verdict(trust=trust)) for one, trust in members]
    candidates = rank_all(judged)
    for candidate in candidates:
        total = sum(term.value * term.weight for term in candidate.rank.terms)
        assert abs(total - candidate.rank.total) < 1e-9
        assert all(term.because for term in candidate.rank.terms)
    order = [(one.standing.suspect, -one.rank.total) for one in candidates]
    assert order == sorted(order)
    assert rank_all(judged[::-1]) == candidates


def test_certified_counts_for_more_than_granted() -> None:
    certified = verdict(facts={"certified": ["duplicate_detection"]})
    [first, _] = rank_all(
        [Eligible(standing("agent.a"), verdict()), Eligible(standing("agent.b"), certified)]
    )
    assert first.standing.participant_id == "agent.b"
    assert first.certified == ("duplicate_detection",)
    match = first.rank.terms[0]
    assert (match.value, match.because) == (0.8, "1 of 2 certified, 1 granted")


def test_the_idle_the_quick_and_the_cheap_come_first_and_ties_go_by_id() -> None:
    assert ranked(
        Eligible(standing("agent.a", load=0.9), verdict()),
        Eligible(standing("agent.b", load=0.1), verdict()),
    ) == ["agent.b", "agent.a"]
    assert ranked(
        Eligible(standing("agent.a", latency=2.0), verdict()),
        Eligible(standing("agent.b", latency=1.0), verdict()),
    ) == ["agent.b", "agent.a"]
    assert ranked(
        Eligible(standing("agent.a", cost=2.0), verdict()),
        Eligible(standing("agent.b", cost=1.0), verdict()),
    ) == ["agent.b", "agent.a"]
    assert ranked(
        Eligible(standing("agent.b"), verdict()), Eligible(standing("agent.a"), verdict())
    ) == ["agent.a", "agent.b"]


def test_who_became_slower_and_dearer_than_anybody_was_is_the_slowest_and_the_dearest() -> None:
    """A beat, or a registration, may come between the scale and the rank."""
    late = Eligible(standing("agent.late", latency=3.0, cost=7.0), verdict())
    [only] = rank([late], REQUIRED, RankWeights(), Scale(cost=5.0, latency=2.0))
    values = {term.name: term.value for term in only.rank.terms}
    assert (values["latency"], values["cost"]) == (0.0, 0.0)


def test_the_suspect_come_last_however_good_they_are() -> None:
    assert ranked(
        Eligible(standing("agent.a", suspect=True, load=0.0), verdict(trust=1.0)),
        Eligible(standing("agent.b", load=1.0), verdict(trust=0.0)),
    ) == ["agent.b", "agent.a"]


def test_who_is_asked_about_first_is_who_is_known_to_be_good() -> None:
    trusts = {"agent.a": 0.5, "agent.b": 0.5, "agent.c": 0.9, "agent.d": 1.0}
    members = [
        Matching(name, ParticipantStatus.ACTIVE, None, KnownTrust(trust))
        for name, trust in trusts.items()
    ]
    known = [Health(load=0.9), Health(load=0.1), Health(load=0.1), Health(load=0.0, suspect=True)]
    placed = sorted(places(zip(members, known, strict=True), REQUIRED, RankWeights(), Scale()))
    order = [place.participant_id for place in placed]
    assert order == ["agent.c", "agent.b", "agent.a", "agent.d"]


trusts = st.builds(
    KnownTrust,
    unit_interval,
    st.dictionaries(
        st.sampled_from([*REQUIRED, "other"]),
        st.builds(CapabilityTrust, unit_interval, st.booleans()),
    ),
)


@given(
    st.lists(
        st.tuples(standings, trusts, st.sampled_from(["active", "degraded"])),
        max_size=20,
        unique_by=lambda given: given[0].participant_id,
    )
)
def test_everybody_is_placed_as_they_are_ranked(
    members: list[tuple[Standing, KnownTrust, str]],
) -> None:
    """The naive ranking: ask policy about everybody, then rank all of them together."""
    everybody = [
        (replace(one, status=ParticipantStatus(status)), trust) for one, trust, status in members
    ]
    scale = scale_of((one.cost for one, _ in everybody), (one.latency for one, _ in everybody))
    matching = [
        (
            Matching(one.participant_id, one.status, one.cost, trust),
            Health(load=one.load, latency=one.latency, suspect=one.suspect),
        )
        for one, trust in everybody
    ]
    placed = sorted(places(matching, REQUIRED, RankWeights(), scale))
    judged = [Eligible(one, judged_by(trust)) for one, trust in everybody]
    naive = rank(judged, REQUIRED, RankWeights(), scale)
    totals = {one.standing.participant_id: round(one.rank.total, 9) for one in naive}
    suspects = {one.standing.participant_id: one.standing.suspect for one in naive}
    order = [(suspects[p.participant_id], -totals[p.participant_id]) for p in placed]
    # What differs by less than a billionth is equal: the last digit of a sum orders nobody.
    assert all(a[0] < b[0] or a[1] <= b[1] + 2e-9 for a, b in pairwise(order))


def judged_by(trust: KnownTrust) -> Verdict:
    """What the shipped bundle answers about somebody with this trust."""
    certified = [one for one in REQUIRED if trust.certified_among([one])]
    return verdict(trust=trust.least(REQUIRED), facts={"certified": certified})


def test_an_exclusion_names_the_conjunct_that_failed() -> None:
    requirement = Requirement(
        required_capabilities=REQUIRED, data_domains=("customer",), task_type="merge"
    )
    able = {"capabilities": frozenset(REQUIRED), "data_domains": frozenset({"customer"})}
    lacking = excluded_by_filter(
        member("agent.1", capabilities=frozenset({REQUIRED[0]})), requirement
    )
    assert (lacking.failed, REQUIRED[1] in lacking.because) == ("capability_match", True)
    assert excluded_by_filter(member("agent.1", "failed", **able), requirement).failed == "active"
    foreign = member("agent.1", capabilities=frozenset(REQUIRED))
    gone = replace(member("agent.1", "failed", **able), status_reason="participant_left")
    assert excluded_by_filter(gone, requirement).because == "agent.1 has left."
    assert excluded_by_filter(foreign, requirement).failed == "policy_allows"
    assert excluded_by_filter(member("agent.1", **able), requirement).failed == "capability_match"


def test_a_denial_is_filed_under_the_conjunct_that_its_rule_names() -> None:
    def denied(rule: str) -> str:
        reasons = (Reason("something", "First."), Reason(rule, "Second."))
        return excluded_by_policy("agent.1", verdict(effect=Effect.DENY, reasons=reasons)).failed

    assert denied("trust_ok") == "trust_ok"
    assert denied("data_domains") == "policy_allows"
    assert excluded_by_policy("agent.1", verdict(effect=Effect.DENY)).because
