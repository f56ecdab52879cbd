"""DiscoverParticipants (Algorithm 2, as the guarantees amend it).

The store filters by all capabilities, every domain, state and task type. Everybody who is left is
placed by what is known, and evaluated by policy in batches, the best first, until the page is full
or nobody is left: a denied first batch must not look like "nobody". Those that policy allows are
ranked by current values.
"""

import asyncio
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Final, TypeVar

from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.events import AuditDraft, AuditEventType
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.pages import PAGE_BYTES
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.verdict import DecisionPoint, Verdict
from registry_svc.domain.discovery import (
    BATCH,
    MAX_EXCLUDED,
    DiscoveryResult,
    Excluded,
    Requirement,
    Search,
    audit_detail,
    candidate_bytes,
    excluded_by_filter,
    excluded_by_policy,
    result_hash,
)
from registry_svc.domain.documents import participant_document
from registry_svc.domain.health import Health
from registry_svc.domain.participant import Participant
from registry_svc.domain.ranking import (
    Eligible,
    Matching,
    Place,
    RankWeights,
    Scale,
    places,
    rank,
    scale_of,
)
from registry_svc.domain.session import ParticipantKey
from registry_svc.usecases.context import RegistryContext

AT_ONCE: Final = 1000
"""Participants that are placed without a break."""
REMEMBERED_TRIES: Final = 50_000
"""Tasks whose last result of the engine's own tries is remembered."""

T = TypeVar("T")


@dataclass(slots=True)
class Walk:
    """What one search has found so far, and the place after which the next page begins."""

    size: int
    weight: int = 0
    """Bytes that the candidates take in an answer, about."""
    passed: list[tuple[Participant, Verdict]] = field(default_factory=list)
    excluded: list[Excluded] = field(default_factory=list)
    scale: Scale = field(default_factory=Scale)
    next: Place | None = None

    @property
    def full(self) -> bool:
        """Whether the page is full."""
        return len(self.passed) >= self.size or self.weight >= PAGE_BYTES

    def take(self, participant: Participant, verdict: Verdict) -> None:
        """Add a participant as a candidate or as excluded, as policy decided."""
        if verdict.allowed:
            self.passed.append((participant, verdict))
            self.weight += candidate_bytes(participant, verdict)
        elif len(self.excluded) < MAX_EXCLUDED:
            self.excluded.append(excluded_by_policy(participant.id, verdict))


class DiscoverParticipants:
    """Finds and ranks candidates. Raises `PolicyEngineUnavailable` where there was no decision."""

    def __init__(self, context: RegistryContext, weights: RankWeights) -> None:
        self._context = context
        self._weights = weights
        self._tries: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def __call__(self, call: Call, search: Search) -> DiscoveryResult:
        """A page of candidates, best first; the audit event is committed before the answer."""
        walk = await self._walk(call, search)
        if not walk.full and not search.page.after:
            await self._add_near_misses(call, search.requirement, walk)
        self._remember_trust(call, walk)
        required = search.requirement.required_capabilities
        candidates = rank(self._eligible(call, walk), required, self._weights, walk.scale)
        token = "" if walk.next is None else search.page.token(_written(walk.next))
        found = DiscoveryResult(candidates, tuple(walk.excluded), token)
        return replace(found, receipt=await self._audit(call, search, found))

    async def _walk(self, call: Call, search: Search) -> Walk:
        walk = Walk(search.page.size)
        placed, walk.scale = await self._placed(call, search.requirement)
        after = _place(search.page.after)
        first = 0 if after is None else bisect_right(placed, after)
        for start in range(first, len(placed), BATCH):
            batch = placed[start : start + BATCH]
            judged = await self._judged(call, search.requirement, batch)
            for number, place in enumerate(batch, start):
                if place.participant_id in judged:
                    walk.take(*judged[place.participant_id])
                if walk.full:
                    walk.next = place if number + 1 < len(placed) else None
                    return walk
        return walk

    async def _placed(self, call: Call, requirement: Requirement) -> tuple[list[Place], Scale]:
        """Everybody who matches, the best first.

        A page begins after a place. Where a load changes between two pages, a participant may stand
        on both or on neither: the next search finds it.
        """
        async with self._context.units.reading(call) as unit:
            matching = await unit.matching(requirement)
        health = self._context.sessions.health
        known: list[tuple[Matching, Health]] = []
        for some in _parts(matching):
            known += [(m, health(ParticipantKey(call.tenant, m.participant_id))) for m in some]
            await asyncio.sleep(0)  # beats are heard meanwhile
        scale = scale_of((one.cost for one, _ in known), (health.latency for _, health in known))
        placed: list[Place] = []
        for part in _parts(known):
            placed += places(part, self._weights, scale)
            await asyncio.sleep(0)
        return sorted(placed), scale

    async def _judged(
        self, call: Call, requirement: Requirement, batch: Sequence[Place]
    ) -> Mapping[str, tuple[Participant, Verdict]]:
        """The participants of a batch, with what policy says; who no longer matches is left out."""
        async with self._context.units.reading(call) as unit:
            ids = [place.participant_id for place in batch]
            found = await unit.matching_participants(requirement, ids)
        asked = [found[name] for name in ids if name in found]
        questions = [_question(one, requirement) for one in asked]
        verdicts = await self._context.policy.evaluate(call, DecisionPoint.DISCOVER, questions)
        pairs = zip(asked, verdicts, strict=True)
        return {participant.id: (participant, verdict) for participant, verdict in pairs}

    async def _add_near_misses(self, call: Call, requirement: Requirement, walk: Walk) -> None:
        """Add participants that the store's filter excluded although they have a capability."""
        room = MAX_EXCLUDED - len(walk.excluded)
        if room > 0:
            async with self._context.units.reading(call) as unit:
                near = await unit.near_misses(requirement, limit=room)
            walk.excluded += [excluded_by_filter(one, requirement) for one in near]

    def _eligible(self, call: Call, walk: Walk) -> list[Eligible]:
        """The participants that policy allows, with their current standing."""
        health = self._context.sessions.health
        return [
            Eligible(one.standing(health(ParticipantKey(call.tenant, one.id))), verdict)
            for one, verdict in walk.passed
        ]

    def _remember_trust(self, call: Call, walk: Walk) -> None:
        found = [(one.id, verdict.trust) for one, verdict in walk.passed]
        known = [(name, trust) for name, trust in found if trust is not None]
        self._context.sessions.record_trust(call.tenant, known)

    async def _audit(self, call: Call, search: Search, found: DiscoveryResult) -> Receipt | None:
        """Audit DISCOVERY_COMPLETED; of the engine's own tries only where the result changed."""
        if search.engine_try and self._same_as_before(call, search, found):
            return None
        async with self._context.units(call) as unit:
            receipt = await unit.audit(
                AuditDraft(
                    type=AuditEventType.DISCOVERY_COMPLETED,
                    aggregate=f"discovery/{self._context.new_id('discovery')}",
                    aggregate_version=1,
                    task=search.requirement.task_id,
                    correlation_id=search.correlation_id,
                    detail=audit_detail(search.requirement, found),
                )
            )
        if search.engine_try:
            self._note_try(call, search, found)
        return receipt

    def _same_as_before(self, call: Call, search: Search, found: DiscoveryResult) -> bool:
        key = (call.tenant, search.requirement.task_id)
        return self._tries.get(key) == result_hash(found.candidates, found.excluded)

    def _note_try(self, call: Call, search: Search, found: DiscoveryResult) -> None:
        """Remember the result in memory: after a restart the first try is audited once more."""
        key = (call.tenant, search.requirement.task_id)
        self._tries[key] = result_hash(found.candidates, found.excluded)
        self._tries.move_to_end(key)
        if len(self._tries) > REMEMBERED_TRIES:
            self._tries.popitem(last=False)


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Parts of ``items`` that take some milliseconds each."""
    return (items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE))


def _question(participant: Participant, requirement: Requirement) -> JsonObject:
    """The input for policy, to which governance adds what it knows of caller and candidate."""
    return {"candidate": participant_document(participant), "requirement": requirement.document()}


def _written(place: Place) -> tuple[str, ...]:
    """A place as the sort key in a page token."""
    return "suspect" if place.suspect else "", repr(place.lacking), place.participant_id


def _place(after: tuple[str, ...]) -> Place | None:
    """The place after which a page begins, None for the first; raises `FieldInvalid`."""
    if not after:
        return None
    try:
        suspect, lacking, participant_id = after
        place = Place(suspect == "suspect", float(lacking), participant_id)
    except (ValueError, TypeError) as error:
        raise FieldInvalid([Violation("page_token", "not a token of ours")]) from error
    if not isfinite(place.lacking):
        raise FieldInvalid([Violation("page_token", "not a token of ours")])
    return place
