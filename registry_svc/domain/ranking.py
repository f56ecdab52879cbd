"""Ranks candidates by capability match, trust, load, latency and cost; every term is explained."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from phoenix_runtime.core.score import Term, weigh
from phoenix_runtime.core.standing import ParticipantStatus, Standing
from phoenix_runtime.core.verdict import Verdict
from registry_svc.domain.discovery import Candidate
from registry_svc.domain.health import Health

GRANTED: Final = 0.6
"""The value of a capability that is granted and not certified."""
UNKNOWN: Final = 0.5
"""The value of a load or latency that is not known yet, and of a trust that was not judged."""
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
class CapabilityTrust:
    """The trust for a capability that a certification is held for.

    ``certified``: it covers enough to count.
    """

    total: float
    certified: bool


@dataclass(frozen=True, slots=True)
class KnownTrust:
    """The trust in a participant: for a capability of its own, and for every other."""

    general: float
    capabilities: Mapping[str, CapabilityTrust] = field(
        default_factory=lambda: MappingProxyType({})
    )

    def least(self, required: Sequence[str]) -> float:
        """The least trust over the required capabilities, as policy judges by it."""
        return min((self._total(one) for one in required), default=self.general)

    def certified_among(self, required: Sequence[str]) -> int:
        """For how many of the required capabilities it is certified."""
        known = self.capabilities
        return sum(one in known and known[one].certified for one in required)

    def _total(self, capability: str) -> float:
        one = self.capabilities.get(capability)
        return self.general if one is None else one.total


UNKNOWN_TRUST: Final = KnownTrust(0.5)
"""What is said of whom governance was not asked about yet; nobody is ranked by it."""


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
    trust: KnownTrust = UNKNOWN_TRUST


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
    matching: Iterable[tuple[Matching, Health]],
    required: Sequence[str],
    weights: RankWeights,
    scale: Scale,
) -> list[Place]:
    """The places of those who match, in the order given; sorted, the best comes first.

    Everybody is placed by the terms of `rank`, with the trust and the certifications that
    governance tells of: a search asks about nobody to learn in which order to ask.
    """
    return [_place(one, known, required, weights, scale) for one, known in matching]


def merit(
    status: ParticipantStatus, known: Health, trust: KnownTrust, weights: RankWeights
) -> float:
    """The part of the expected rank that is the same whoever else matches, whatever is required."""
    degraded = status is ParticipantStatus.DEGRADED
    return (
        weights.capability_match * GRANTED
        + weights.trust * _unit(trust.general)
        + weights.load * _load_value(known.load, halved=known.suspect or degraded)
    )


def bonus(trust: KnownTrust, required: Sequence[str], weights: RankWeights) -> float:
    """What its certifications add to the expected rank of a participant; 0 for who has none."""
    if not required or not trust.capabilities:
        return 0.0
    certified = trust.certified_among(required) / len(required)
    gained = _unit(trust.least(required)) - _unit(trust.general)
    return weights.capability_match * (1.0 - GRANTED) * certified + weights.trust * gained


def rank(
    eligible: Sequence[Eligible], required: Sequence[str], weights: RankWeights, scale: Scale
) -> tuple[Candidate, ...]:
    """Rank eligible participants, best first: suspect ones last, ties by id."""
    candidates = [_candidate(one, required, weights, scale) for one in eligible]
    return tuple(sorted(candidates, key=_order))


def _place(
    one: Matching, known: Health, required: Sequence[str], weights: RankWeights, scale: Scale
) -> Place:
    expected = (
        merit(one.status, known, one.trust, weights)
        + bonus(one.trust, required, weights)
        + weights.latency * _latency_value(known.latency, scale.latency)
        + weights.cost * _cost_value(one.cost, scale.cost)
    )
    return Place(known.suspect, _lacking(expected), one.participant_id)


def _lacking(rank: float) -> int:
    """What a rank lacks, in billionths: the sums' last digits, which say nothing, break no tie."""
    return round((1.0 - rank) * BILLION)


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value))


def _load_value(load: float | None, *, halved: bool) -> float:
    value = UNKNOWN if load is None else 1.0 - load
    return value * 0.5 if halved else value


def _latency_value(latency: float | None, slowest: float) -> float:
    if latency is None:
        return UNKNOWN if slowest else 1.0
    return 1.0 if slowest == 0.0 else max(0.0, 1.0 - latency / slowest)


def _cost_value(cost: float | None, highest: float) -> float:
    return 1.0 if cost is None or highest == 0.0 else max(0.0, 1.0 - cost / highest)


def _order(candidate: Candidate) -> tuple[bool, int, str]:
    standing = candidate.standing
    return standing.suspect, _lacking(candidate.rank.total), standing.participant_id


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
    value = _unit(verdict.trust)
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
