"""Ranks candidates by capability match, trust, load, latency and cost; every term is explained."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from phoenix_runtime.core.score import Term, weigh
from phoenix_runtime.core.standing import ParticipantStatus, Standing
from phoenix_runtime.core.verdict import Verdict
from registry_svc.domain.discovery import Candidate
from registry_svc.domain.health import Health
from registry_svc.domain.participant import Participant

GRANTED: Final = 0.6
"""The value of a capability that is granted and not certified."""
UNKNOWN: Final = 0.5
"""The value of a load, latency or trust that is not known yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankWeights:
    """Weights of the five terms; they sum to 1."""

    capability_match: float = 0.35
    trust: float = 0.25
    load: float = 0.2
    latency: float = 0.1
    cost: float = 0.1


@dataclass(frozen=True, slots=True)
class Eligible:
    """A participant that policy allows, with its current standing."""

    standing: Standing
    verdict: Verdict


def rank(
    eligible: Sequence[Eligible], required: Sequence[str], weights: RankWeights
) -> tuple[Candidate, ...]:
    """Rank eligible participants, best first: suspect ones last, ties by id."""
    highest_cost = max((one.standing.cost or 0.0 for one in eligible), default=0.0)
    slowest = max((one.standing.latency or 0.0 for one in eligible), default=0.0)
    candidates = [_candidate(one, required, weights, (highest_cost, slowest)) for one in eligible]
    return tuple(sorted(candidates, key=_order))


def pre_rank(participants: Sequence[Participant], health: Sequence[Health]) -> list[Participant]:
    """Order participants for evaluation by policy, by what is known without asking."""
    known = sorted(zip(participants, health, strict=True), key=lambda pair: _expectation(*pair))
    return [participant for participant, _ in known]


def _expectation(participant: Participant, health: Health) -> tuple[bool, bool, float, float, str]:
    trust = UNKNOWN if health.trust is None else health.trust
    load = UNKNOWN if health.load is None else health.load
    degraded = participant.status is ParticipantStatus.DEGRADED
    cost = participant.declaration.cost or 0.0
    return health.suspect, degraded, load - trust, cost, participant.id


def _order(candidate: Candidate) -> tuple[bool, float, str]:
    standing = candidate.standing
    return standing.suspect, -candidate.rank.total, standing.participant_id


def _candidate(
    one: Eligible, required: Sequence[str], weights: RankWeights, worst: tuple[float, float]
) -> Candidate:
    certified = _certified(one.verdict, required)
    terms = (
        _match(certified, required, weights.capability_match),
        _trust(one.verdict, weights.trust),
        _load(one.standing, weights.load),
        _latency(one.standing, weights.latency, worst[1]),
        _cost(one.standing, weights.cost, worst[0]),
    )
    return Candidate(one.standing, one.verdict, weigh(terms), certified)


def _certified(verdict: Verdict, required: Sequence[str]) -> tuple[str, ...]:
    named = verdict.facts.get("certified")
    known = set(named) if isinstance(named, list | tuple) else set()
    return tuple(capability for capability in required if capability in known)


def _match(certified: Sequence[str], required: Sequence[str], weight: float) -> Term:
    if not required:
        return Term("capability_match", 1.0, weight, "no capability is required")
    granted = len(required) - len(certified)
    value = (len(certified) + GRANTED * granted) / len(required)
    because = f"{len(certified)} of {len(required)} certified, {granted} granted"
    return Term("capability_match", value, weight, because)


def _trust(verdict: Verdict, weight: float) -> Term:
    if verdict.trust is None:
        return Term("trust", UNKNOWN, weight, "trust was not judged")
    value = min(1.0, max(0.0, verdict.trust))
    because = f"least trust over the required capabilities is {value:.2f}"
    return Term("trust", value, weight, because)


def _load(standing: Standing, weight: float) -> Term:
    value = UNKNOWN if standing.load is None else 1.0 - standing.load
    because = "no load reported" if standing.load is None else f"load {standing.load:.2f}"
    if standing.suspect or standing.status is ParticipantStatus.DEGRADED:
        value *= 0.5
        because += ", halved: its stream is closed" if standing.suspect else ", halved: degraded"
    return Term("load", value, weight, because)


def _latency(standing: Standing, weight: float, slowest: float) -> Term:
    if standing.latency is None:
        value, because = (UNKNOWN if slowest else 1.0), "no latency reported"
    elif slowest == 0.0:
        value, because = 1.0, "nobody reports a latency above zero"
    else:
        value = 1.0 - standing.latency / slowest
        because = f"{standing.latency:.3f} s of {slowest:.3f} s, the slowest"
    return Term("latency", value, weight, because)


def _cost(standing: Standing, weight: float, highest: float) -> Term:
    if standing.cost is None or highest == 0.0:
        return Term("cost", 1.0, weight, "no cost declared")
    value = 1.0 - standing.cost / highest
    return Term("cost", value, weight, f"costs {standing.cost:g} of {highest:g}, the highest")
