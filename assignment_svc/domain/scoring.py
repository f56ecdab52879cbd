"""The score of an assignment: five terms, each with a sentence (paper, Algorithm 3, step 3)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from assignment_svc.domain.discovery import Candidate, Ranked, Seats
from phoenix_runtime.core.score import Score, Term, weigh
from phoenix_runtime.core.standing import ParticipantStatus, Standing

CERTIFIED = 1.0
GRANTED = 0.6
"""What a required capability counts for that is granted but not certified."""

UNSTEADY = 0.5
"""What availability is multiplied with when the participant is degraded or suspect."""


@dataclass(frozen=True, slots=True)
class ScoreWeights:
    """alpha … epsilon of the paper; they sum to 1 and come from the catalogue."""

    alpha: float = 0.3
    beta: float = 0.2
    gamma: float = 0.25
    delta: float = 0.1
    epsilon: float = 0.15


def rank(
    required: Sequence[str],
    candidates: Iterable[Candidate],
    *,
    seats: Seats,
    weights: ScoreWeights,
) -> tuple[Ranked, ...]:
    """Candidates by score, best first; ties: fewer tasks, then id."""
    chosen = tuple(candidates)
    dearest = max((c.standing.cost or 0.0 for c in chosen), default=0.0)
    rates = weights, dearest

    def ranked_one(one: Candidate) -> Ranked:
        used, more = seats.of(one.participant_id), seats.expected_of(one.participant_id)
        found = score(required, one, used=used, expected=more, rates=rates)
        return Ranked(one, found, used + more)

    ranked = map(ranked_one, chosen)
    return tuple(sorted(ranked, key=lambda r: (-r.score.total, r.used, r.candidate.participant_id)))


def free_first(ranked: Iterable[Ranked]) -> tuple[Ranked, ...]:
    """The candidates in their order, but those last whose seats are all about to be taken."""
    return tuple(sorted(ranked, key=lambda one: one.crowded))


def others_first(ranked: Iterable[Ranked], failed: Collection[str]) -> tuple[Ranked, ...]:
    """The candidates in their order, but those last who have failed the task before.

    So a task whose input is bad fails with several, which says whose fault it is.
    """
    marked = [replace(r, failed_before=r.candidate.participant_id in failed) for r in ranked]
    return tuple(sorted(marked, key=lambda one: one.failed_before))


def score(
    required: Sequence[str],
    candidate: Candidate,
    *,
    used: int,
    expected: int = 0,
    rates: tuple[ScoreWeights, float],
) -> Score:
    """One candidate's score; ``rates`` are the weights and the dearest candidate's cost.

    ``used`` seats are taken, and ``expected`` more are about to be by other tasks.
    """
    weights, dearest = rates
    return weigh(
        (
            capability_match(required, candidate, weights.alpha),
            availability(candidate.standing, used, weights.beta, expected=expected),
            trust(candidate, weights.gamma),
            cost_efficiency(candidate.standing, dearest, weights.delta),
            policy_score(candidate, weights.epsilon),
        )
    )


def capability_match(required: Sequence[str], candidate: Candidate, weight: float) -> Term:
    """Mean over the required capabilities of 1 (certified), 0.6 (granted) or 0 (neither)."""
    granted = candidate.standing.grants.capabilities
    values = [
        CERTIFIED if name in candidate.certified else GRANTED if name in granted else 0.0
        for name in required
    ]
    value = sum(values) / len(values) if values else CERTIFIED
    certified = sum(1 for name in required if name in candidate.certified)
    because = f"{certified} of {len(required)} required capabilities certified, the rest granted"
    return Term("capability_match", value, weight, because)


def availability(standing: Standing, used: int, weight: float, *, expected: int = 0) -> Term:
    """(1 − used/capacity) · (1 − load) · (1, or 0.5 when degraded or suspect).

    Seats that are expected to be taken count as used, and the sentence names them.
    """
    taken = used + expected
    free = max(0.0, 1.0 - taken / standing.capacity) if standing.capacity > 0 else 0.0
    load = min(1.0, max(0.0, standing.load or 0.0))
    unsteady = standing.suspect or standing.status is ParticipantStatus.DEGRADED
    value = free * (1.0 - load) * (UNSTEADY if unsteady else 1.0)
    about_to_be = f" and {expected} about to be" if expected else ""
    because = f"{used} of {standing.capacity} seats taken{about_to_be}, load {load:.2f}"
    if unsteady:
        because += ", suspect" if standing.suspect else ", degraded"
    return Term("availability", value, weight, because)


def trust(candidate: Candidate, weight: float) -> Term:
    """The least trust over the required capabilities, as the verdict judged it."""
    judged = candidate.verdict.trust
    if judged is None:
        return Term("trust", 0.0, weight, "no trust was judged")
    value = min(1.0, max(0.0, judged))
    because = f"least trust over the required capabilities is {value:.2f}"
    return Term("trust", value, weight, because, (candidate.verdict.decision_id,))


def cost_efficiency(standing: Standing, dearest: float, weight: float) -> Term:
    """1 − cost / dearest candidate's cost; 1 when nobody names a cost."""
    if dearest <= 0.0:
        return Term("cost_efficiency", 1.0, weight, "no candidate names a cost")
    cost = max(0.0, standing.cost or 0.0)
    because = f"costs {cost:g} a task; the dearest candidate {dearest:g}"
    return Term("cost_efficiency", 1.0 - min(1.0, cost / dearest), weight, because)


def policy_score(candidate: Candidate, weight: float) -> Term:
    """Policy's own term, from its verdict."""
    value = min(1.0, max(0.0, candidate.verdict.policy_score))
    because = f"policy {candidate.verdict.policy} scores it {value:.2f}"
    return Term("policy_score", value, weight, because)
