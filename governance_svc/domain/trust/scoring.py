"""Trust, explained: six components from audit evidence alone (paper, section 11).

``TrustScore(p) = Σ wᵢ·componentᵢ(p)``, each component in [0, 1] with the sentence that explains it.
Nothing here is self-declared, and nothing is remembered between calls: the same evidence and the
same moment give the same score, so it can be recomputed at any sequence number of the ledger.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from governance_svc.domain.trust.certification import Certification
from governance_svc.domain.trust.evidence import (
    Denial,
    Evidence,
    HealthSummary,
    Review,
    TaskOutcome,
)
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.score import Score, Term, weigh
from phoenix_runtime.core.standing import RiskLevel

COMPONENTS = (
    "identity_assurance",
    "capability_certification",
    "historical_reliability",
    "policy_compliance",
    "runtime_health",
    "human_review_confidence",
)
"""The paper's six components, in its order."""

CITED = 5
"""How many event ids a term cites at most, newest first."""

DECIMALS = 6
"""Scores are rounded to this for policy, so that 0.3 + 0.2 reaches a threshold of 0.5."""


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """What a participant is measured against: thresholds per risk, the weights of the components.

    ``remain`` is the general trust below which a membership ends.
    """

    name: str
    threshold: Mapping[RiskLevel, float]
    remain: float
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TrustModel:
    """How evidence becomes numbers. From the catalogue, the same for every trust policy.

    ``outcomes`` maps succeeded, failed, lost, declined to what they add to (good, bad);
    ``prior_beats`` is how many beats everybody has kept before the first, so that a newcomer's one
    missed beat is no catastrophe;
    ``certified_owner`` is the share of what identity still lacks that a certified owner makes up;
    ``certifying_coverage`` is the least coverage of a certificate that counts as certified.
    """

    half_life: timedelta
    prior: tuple[float, float]
    prior_beats: float
    identity: Mapping[str, float]
    certified_owner: float
    certifying_coverage: float
    outcomes: Mapping[str, tuple[float, float]]
    severities: Mapping[str, float]

    def weight(self, at: datetime, now: datetime) -> float:
        """What evidence from ``at`` still counts: half after every half-life, never above 1."""
        age = max(timedelta(0), now - at)
        return float(0.5 ** (age / self.half_life))


@dataclass(frozen=True, slots=True)
class _Component:
    """A value with its reason, before it is weighed."""

    value: float
    because: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrustScorer:
    """Scores evidence under one trust policy at one moment."""

    policy: TrustPolicy
    model: TrustModel
    now: datetime

    def score(self, evidence: Evidence, capability: str = "") -> Score:
        """Trust in ``capability``; the general trust, for no capability at all, where empty."""
        components = (
            self._identity(evidence),
            self._certification(evidence, capability),
            self._reliability(evidence.outcomes),
            self._compliance(evidence.denials),
            self._health(evidence.health),
            self._review(evidence.reviews),
        )
        return weigh(
            Term(
                name,
                component.value,
                self.policy.weights[name],
                component.because,
                component.evidence,
            )
            for name, component in zip(COMPONENTS, components, strict=True)
        )

    def certified(self, evidence: Evidence, capability: str) -> bool:
        """True where a certificate for exactly this capability holds and covers enough (I15)."""
        least = self.model.certifying_coverage
        return any(c.coverage >= least for c in self._certificates(evidence, capability))

    def _certificates(self, evidence: Evidence, capability: str) -> list[Certification]:
        return [
            c for c in evidence.certificates if c.capability == capability and c.holds(self.now)
        ]

    def _identity(self, evidence: Evidence) -> _Component:
        proof = evidence.identity
        if proof is None:
            return _Component(0.0, "no registration is on record")
        value = self.model.identity.get(proof.method, 0.0)
        because = f"credential proved by {proof.method}"
        owners = self._certificates(evidence, "")
        if proof.owner_certified or owners:
            value += (1.0 - value) * self.model.certified_owner
            because += ", owner certified"
        return _Component(
            _unit(value), because, _cite([proof.event_id, *(c.event_id for c in owners)])
        )

    def _certification(self, evidence: Evidence, capability: str) -> _Component:
        held = self._certificates(evidence, capability) if capability else []
        if not held:
            return _Component(0.0, f"{capability or 'no capability'} is not certified")
        best = max(held, key=lambda c: (c.coverage, c.grant_time, c.event_id))
        because = f"{capability} certified by {best.method}, coverage {best.coverage:.2f}"
        return _Component(_unit(best.coverage), because, (best.event_id,))

    def _reliability(self, outcomes: Sequence[TaskOutcome]) -> _Component:
        gains = [
            (self.model.outcomes[o.outcome], self.model.weight(o.at, self.now)) for o in outcomes
        ]
        good = sum(g * weight for (g, _), weight in gains)
        bad = sum(b * weight for (_, b), weight in gains)
        well = sum(o.outcome == "succeeded" for o in outcomes)
        because = (
            f"{well} of {len(outcomes)} tasks succeeded" if outcomes else "no task on record yet"
        )
        return _Component(self._beta(good, bad), because, _newest(outcomes))

    def _compliance(self, denials: Sequence[Denial]) -> _Component:
        value = 1.0
        # Sorted, so that the same evidence in another order gives the same last digit.
        for denial in sorted(denials, key=lambda d: (d.at, d.event_id)):
            severity = self.model.severities[denial.severity]
            value *= 1.0 - severity * self.model.weight(denial.at, self.now)
        because = f"{len(denials)} denials as actor" if denials else "no denial as actor"
        return _Component(_unit(value), because, _newest(denials))

    def _health(self, summaries: Sequence[HealthSummary]) -> _Component:
        due, kept = sum(s.due for s in summaries), sum(min(s.kept, s.due) for s in summaries)
        if due == 0:
            return _Component(1.0, "no beat was due yet")
        weights = [self.model.weight(s.at, self.now) for s in summaries]
        weighed_due = sum(s.due * w for s, w in zip(summaries, weights, strict=True))
        weighed_kept = sum(min(s.kept, s.due) * w for s, w in zip(summaries, weights, strict=True))
        before = self.model.prior_beats
        value = (before + weighed_kept) / (before + weighed_due)
        return _Component(_unit(value), f"{kept} of {due} beats on time", _newest(summaries))

    def _review(self, reviews: Sequence[Review]) -> _Component:
        good = sum(self.model.weight(r.at, self.now) for r in reviews if r.approved)
        bad = sum(self.model.weight(r.at, self.now) for r in reviews if not r.approved)
        yes = sum(r.approved for r in reviews)
        because = (
            f"{yes} of {len(reviews)} proposals approved" if reviews else "no proposal reviewed yet"
        )
        return _Component(self._beta(good, bad), because, _newest(reviews))

    def _beta(self, good: float, bad: float) -> float:
        before_good, before_bad = self.model.prior
        return _unit((before_good + good) / (before_good + before_bad + good + bad))


def trust_ok(scores: Iterable[Score], policy: TrustPolicy, risk: RiskLevel) -> bool:
    """TrustOK(p, q): the least trust over the required capabilities reaches the threshold.

    False where no score is given: nothing has been shown to be enough.
    """
    totals = [round(score.total, DECIMALS) for score in scores]
    return bool(totals) and min(totals) >= policy.threshold[risk]


def trust_input(
    general: Score, scores: Mapping[str, Score], certified: Collection[str]
) -> JsonObject:
    """The ``trust`` document that policy judges by, as the bundle's README describes it."""
    by_capability: dict[str, Json] = {
        name: {"total": round(score.total, DECIMALS), "certified": name in certified}
        for name, score in scores.items()
    }
    return {"general": round(general.total, DECIMALS), "by_capability": by_capability}


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value))


def _cite(event_ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(event_ids))[:CITED]


def _newest(items: Sequence[TaskOutcome | Denial | HealthSummary | Review]) -> tuple[str, ...]:
    return _cite(i.event_id for i in sorted(items, key=lambda i: (i.at, i.event_id), reverse=True))
