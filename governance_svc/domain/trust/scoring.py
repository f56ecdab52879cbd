"""Trust, explained: six components from audit evidence alone (paper, section 11).

``TrustScore(p) = Σ wᵢ·componentᵢ(p)``, each component in [0, 1] with the sentence that explains it.
No evidence is self-declared and no state is kept between calls: the same evidence at the same
instant gives the same score, so it can be recomputed at any sequence number of the ledger.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from governance_svc.domain.trust.attribution import INPUT_AT_FAULT, TASK_AT_FAULT
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
from phoenix_runtime.core.wire import counted

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
"""The most event ids that a term cites, newest first."""

DECIMALS = 6
"""Scores are rounded to this for policy, so that 0.3 + 0.2 reaches a threshold of 0.5."""


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """A trust policy: the threshold for each risk level, and the weights of the components.

    ``remain`` is the general trust below which a membership ends.
    """

    name: str
    threshold: Mapping[RiskLevel, float]
    remain: float
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TrustModel:
    """How evidence becomes numbers; one model for every trust policy of a catalogue.

    ``outcomes`` maps succeeded, failed, lost and declined to what they add to (good, bad);
    ``prior_beats`` are kept heartbeats that every participant starts with, so that one missed beat
    of a newcomer weighs little;
    ``certified_owner`` is the share of the missing identity assurance that a certified owner adds;
    ``certifying_coverage`` is the least coverage of a certification that counts as certified.
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
        """The weight of evidence from ``at``: halved by every half-life, never above 1."""
        age = max(timedelta(0), now - at)
        return float(0.5 ** (age / self.half_life))


@dataclass(frozen=True, slots=True)
class _Component:
    """A component's value with its explanation, before it is weighted."""

    value: float
    because: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrustScorer:
    """Scores evidence under one trust policy at one instant."""

    policy: TrustPolicy
    model: TrustModel
    now: datetime

    def score(self, evidence: Evidence, capability: str = "") -> Score:
        """Trust in ``capability``; the general trust, for no capability at all, where empty."""
        components = (
            self._identity(evidence),
            self._certification(evidence, capability),
            self._reliability(evidence.outcomes, evidence.excused),
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
        """True where a certification for exactly this capability holds and covers enough (I15)."""
        least = self.model.certifying_coverage
        return any(c.coverage >= least for c in self._valid_certifications(evidence, capability))

    def _valid_certifications(self, evidence: Evidence, capability: str) -> list[Certification]:
        return [
            c for c in evidence.certifications if c.capability == capability and c.holds(self.now)
        ]

    def _identity(self, evidence: Evidence) -> _Component:
        proof = evidence.identity
        if proof is None:
            return _Component(0.0, "no registration is on record")
        value = self.model.identity.get(proof.method, 0.0)
        because = f"credential proved by {proof.method}"
        owner_certifications = self._valid_certifications(evidence, "")
        if proof.owner_certified or owner_certifications:
            value += (1.0 - value) * self.model.certified_owner
            because += ", owner certified"
        return _Component(
            _unit(value),
            because,
            _cite([proof.event_id, *(c.event_id for c in owner_certifications)]),
        )

    def _certification(self, evidence: Evidence, capability: str) -> _Component:
        held = self._valid_certifications(evidence, capability) if capability else []
        if not held:
            return _Component(0.0, f"{capability or 'no capability'} is not certified")
        best = max(held, key=lambda c: (c.coverage, c.granted_at, c.event_id))
        because = f"{capability} certified by {best.method}, coverage {best.coverage:.2f}"
        return _Component(_unit(best.coverage), because, (best.event_id,))

    def _reliability(
        self, outcomes: Sequence[TaskOutcome], excused: Sequence[TaskOutcome]
    ) -> _Component:
        weighted = [
            (self.model.outcomes[o.outcome], self.model.weight(o.at, self.now)) for o in outcomes
        ]
        good = sum(g * weight for (g, _), weight in weighted)
        bad = sum(b * weight for (_, b), weight in weighted)
        succeeded = sum(o.outcome == "succeeded" for o in outcomes)
        because = (
            f"{succeeded} of {len(outcomes)} tasks succeeded"
            if outcomes
            else "no task on record yet"
        )
        because += _not_counted(excused)
        return _Component(self._beta(good, bad), because, _newest([*outcomes, *excused]))

    def _compliance(self, denials: Sequence[Denial]) -> _Component:
        value = 1.0
        # Sorted, because the order of the factors changes the last digit of the product.
        for denial in sorted(denials, key=lambda d: (d.at, d.event_id)):
            severity = self.model.severities[denial.severity]
            value *= 1.0 - severity * self.model.weight(denial.at, self.now)
        because = f"{counted(len(denials), 'denial')} as actor" if denials else "no denial as actor"
        return _Component(_unit(value), because, _newest(denials))

    def _health(self, summaries: Sequence[HealthSummary]) -> _Component:
        due, kept = sum(s.due for s in summaries), sum(min(s.kept, s.due) for s in summaries)
        if due == 0:
            return _Component(1.0, "no beat was due yet")
        weights = [self.model.weight(s.at, self.now) for s in summaries]
        weighted_due = sum(s.due * w for s, w in zip(summaries, weights, strict=True))
        weighted_kept = sum(min(s.kept, s.due) * w for s, w in zip(summaries, weights, strict=True))
        prior = self.model.prior_beats
        value = (prior + weighted_kept) / (prior + weighted_due)
        return _Component(_unit(value), f"{kept} of {due} beats on time", _newest(summaries))

    def _review(self, reviews: Sequence[Review]) -> _Component:
        good = sum(self.model.weight(r.at, self.now) for r in reviews if r.approved)
        bad = sum(self.model.weight(r.at, self.now) for r in reviews if not r.approved)
        approved = sum(r.approved for r in reviews)
        because = (
            f"{approved} of {len(reviews)} proposals approved"
            if reviews
            else "no proposal reviewed yet"
        )
        return _Component(self._beta(good, bad), because, _newest(reviews))

    def _beta(self, good: float, bad: float) -> float:
        prior_good, prior_bad = self.model.prior
        return _unit((prior_good + good) / (prior_good + prior_bad + good + bad))


def trust_ok(scores: Iterable[Score], policy: TrustPolicy, risk: RiskLevel) -> bool:
    """TrustOK(p, q): the least trust over the required capabilities reaches the threshold.

    False where no score is given.
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


def _not_counted(excused: Sequence[TaskOutcome]) -> str:
    """The part of the sentence about tasks that speak against themselves or their input."""
    by_task = sum(one.outcome == TASK_AT_FAULT for one in excused)
    by_input = sum(one.outcome == INPUT_AT_FAULT for one in excused)
    parts = [f"{by_task} that failed with several participants"] if by_task else []
    parts += [f"{by_input} whose input is at fault"] if by_input else []
    return f"; not counted: {', '.join(parts)}" if parts else ""


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value))


def _cite(event_ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(event_ids))[:CITED]


def _newest(items: Sequence[TaskOutcome | Denial | HealthSummary | Review]) -> tuple[str, ...]:
    return _cite(i.event_id for i in sorted(items, key=lambda i: (i.at, i.event_id), reverse=True))
