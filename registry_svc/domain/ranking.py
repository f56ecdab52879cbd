"""Ranks candidates by capability match, trust, load, latency and cost; every term is explained."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from phoenix_runtime.core.score import Term, weigh
from phoenix_runtime.core.standing import ParticipantStatus, Standing
from phoenix_runtime.core.verdict import Verdict
from registry_svc.domain.discovery import Candidate
from registry_svc.domain.health import Health

GRANTED: Final = 0.6
"""The value of a capability that is granted and not certified."""
UNKNOWN: Final = 0.5
"""The value of a load, latency or trust that is not known yet."""
BILLION: Final = 1e9


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


@dataclass(frozen=True, slots=True)
class Matching:
    """A participant that is granted what is required: what its place is known by, and no more."""

    participant_id: str
    status: ParticipantStatus
    cost: float | None


@dataclass(frozen=True, slots=True)
class Scale:
    """What costs and latencies (seconds) are measured by: the highest of everybody who matches."""

    cost: float = 0.0
    latency: float = 0.0


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a participant stands among all who match, before policy is asked; the least is best."""

    suspect: bool
    lacking: int
    """1 minus the rank that is expected of it, in billionths: a page token carries it."""
    participant_id: str


def scale_of(costs: Iterable[float | None], latencies: Iterable[float | None]) -> Scale:
    """The scale of those who have these costs and latencies."""
    return Scale(
        max((one for one in costs if one is not None), default=0.0),
        max((one for one in latencies if one is not None), default=0.0),
    )


def places(
    matching: Iterable[tuple[Matching, Health]], weights: RankWeights, scale: Scale
) -> list[Place]:
    """The places of those who match, in the order given; sorted, the best comes first.

    Everybody is placed by the terms of `rank`, with the trust of the last decision about them. What
    a decision alone tells, which capabilities are certified, orders those who are judged together.
    """
    return [_place(one, known, weights, scale) for one, known in matching]


def merit(status: ParticipantStatus, known: Health, weights: RankWeights) -> float:
    """The part of the expected rank that is the same whoever else matches."""
    degraded = status is ParticipantStatus.DEGRADED
    return (
        weights.capability_match * GRANTED
        + weights.trust * (UNKNOWN if known.trust is None else min(1.0, max(0.0, known.trust)))
        + weights.load * _load_value(known.load, halved=known.suspect or degraded)
    )


def rank(
    eligible: Sequence[Eligible], required: Sequence[str], weights: RankWeights, scale: Scale
) -> tuple[Candidate, ...]:
    """Rank eligible participants, best first: suspect ones last, ties by id."""
    candidates = [_candidate(one, required, weights, scale) for one in eligible]
    return tuple(sorted(candidates, key=_order))


def _place(one: Matching, known: Health, weights: RankWeights, scale: Scale) -> Place:
    expected = (
        merit(one.status, known, weights)
        + weights.latency * _latency_value(known.latency, scale.latency)
        + weights.cost * _cost_value(one.cost, scale.cost)
    )
    return Place(known.suspect, round((1.0 - expected) * BILLION), one.participant_id)


def _load_value(load: float | None, *, halved: bool) -> float:
    value = UNKNOWN if load is None else 1.0 - load
    return value * 0.5 if halved else value


def _latency_value(latency: float | None, slowest: float) -> float:
    if latency is None:
        return UNKNOWN if slowest else 1.0
    return 1.0 if slowest == 0.0 else max(0.0, 1.0 - latency / slowest)


def _cost_value(cost: float | None, highest: float) -> float:
    return 1.0 if cost is None or highest == 0.0 else max(0.0, 1.0 - cost / highest)


def _order(candidate: Candidate) -> tuple[bool, float, str]:
    standing = candidate.standing
    return standing.suspect, -candidate.rank.total, standing.participant_id


def _candidate(
    one: Eligible, required: Sequence[str], weights: RankWeights, scale: Scale
) -> Candidate:
    certified = _certified(one.verdict, required)
    terms = (
        _match(certified, required, weights.capability_match),
        _trust(one.verdict, weights.trust),
        _load(one.standing, weights.load),
        _latency(one.standing, weights.latency, scale.latency),
        _cost(one.standing, weights.cost, scale.cost),
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
    degraded = standing.status is ParticipantStatus.DEGRADED
    value = _load_value(standing.load, halved=standing.suspect or degraded)
    because = "no load reported" if standing.load is None else f"load {standing.load:.2f}"
    if standing.suspect:
        because += ", halved: its stream is closed"
    elif degraded:
        because += ", halved: degraded"
    return Term("load", value, weight, because)


def _latency(standing: Standing, weight: float, slowest: float) -> Term:
    value = _latency_value(standing.latency, slowest)
    if standing.latency is None:
        because = "no latency reported"
    elif slowest == 0.0:
        because = "nobody reports a latency above zero"
    else:
        because = f"{standing.latency:.3f} s of {slowest:.3f} s, the slowest"
    return Term("latency", value, weight, because)


def _cost(standing: Standing, weight: float, highest: float) -> Term:
    value = _cost_value(standing.cost, highest)
    if standing.cost is None or highest == 0.0:
        return Term("cost", value, weight, "no cost declared")
    return Term("cost", value, weight, f"costs {standing.cost:g} of {highest:g}, the highest")
