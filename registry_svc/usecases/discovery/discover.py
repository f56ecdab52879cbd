"""DiscoverParticipants (Algorithm 2, as the guarantees amend it).

The store filters by all capabilities, every domain, state and task type. The rest is pre-ranked by
what is known, and evaluated by policy in batches until the page is full or nobody is left: a denied
first batch must not look like "nobody". Those that policy allows are ranked by current values.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

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
from registry_svc.domain.participant import Participant
from registry_svc.domain.ranking import Eligible, RankWeights, pre_rank, rank
from registry_svc.domain.session import ParticipantKey
from registry_svc.usecases.context import RegistryContext

WINDOW: Final = 4 * BATCH
"""Participants that are read, and pre-ranked among each other, at once."""
REMEMBERED_TRIES: Final = 50_000
"""Tasks whose last result of the engine's own tries is remembered."""


@dataclass(slots=True)
class Walk:
    """What one search has found so far, and the position at which the next page begins."""

    size: int
    weight: int = 0
    """Bytes that the candidates take in an answer, about."""
    passed: list[tuple[Participant, Verdict]] = field(default_factory=list)
    excluded: list[Excluded] = field(default_factory=list)
    next: tuple[str, int] | None = None

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


@dataclass(frozen=True, slots=True)
class Batch:
    """Participants to be evaluated together; ``start`` is their position in the window."""

    participants: Sequence[Participant]
    window: str
    start: int
    last: bool
    """Whether nobody comes after this batch."""
    beyond: str
    """The id after which the next window begins; empty where this window goes on."""


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
        candidates = rank(
            self._eligible(call, walk), search.requirement.required_capabilities, self._weights
        )
        token = "" if walk.next is None else search.page.token((walk.next[0], str(walk.next[1])))
        found = DiscoveryResult(candidates, tuple(walk.excluded), token)
        return replace(found, receipt=await self._audit(call, search, found))

    async def _walk(self, call: Call, search: Search) -> Walk:
        walk = Walk(search.page.size)
        async for batch in self._batches(call, search):
            questions = [_question(one, search.requirement) for one in batch.participants]
            verdicts = await self._context.policy.evaluate(call, DecisionPoint.DISCOVER, questions)
            for place, pair in enumerate(zip(batch.participants, verdicts, strict=True)):
                walk.take(*pair)
                if walk.full:
                    walk.next = _position_after(batch, place)
                    return walk
        return walk

    async def _batches(self, call: Call, search: Search) -> AsyncIterator[Batch]:
        """Batches of windows by id; each window is ordered by what is known.

        A page ends at a position in a window. Where a load changes between two pages, a participant
        may stand on both or on neither: the next search finds it.
        """
        after, skip = _position(search.page.after)
        while True:
            window = await self._window(call, search.requirement, after)
            health = self._context.sessions.health
            known = [health(ParticipantKey(call.tenant, one.id)) for one in window]
            ordered = pre_rank(window, known)
            more = len(window) == WINDOW
            for start in range(skip, len(ordered), BATCH):
                ends = start + BATCH >= len(ordered)
                beyond = window[-1].id if ends else ""
                yield Batch(ordered[start : start + BATCH], after, start, ends and not more, beyond)
            if not more:
                return
            after, skip = window[-1].id, 0

    async def _window(
        self, call: Call, requirement: Requirement, after: str
    ) -> tuple[Participant, ...]:
        async with self._context.units.reading(call) as unit:
            return await unit.matching_participants(requirement, after=after, limit=WINDOW)

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


def _question(participant: Participant, requirement: Requirement) -> JsonObject:
    """The input for policy, to which governance adds what it knows of caller and candidate."""
    return {"candidate": participant_document(participant), "requirement": requirement.document()}


def _position(after: tuple[str, ...]) -> tuple[str, int]:
    """The window, and the position in it, at which a page begins; raises `FieldInvalid`."""
    if not after:
        return "", 0
    window, place = (*after, "", "")[:2]
    if len(after) != 2 or not place.isdecimal() or len(place) > 3 or int(place) > WINDOW:
        raise FieldInvalid([Violation("page_token", "not a token of ours")])
    return window, int(place)


def _position_after(batch: Batch, place: int) -> tuple[str, int] | None:
    """Where the page after ``place`` of ``batch`` begins; None where nobody is left."""
    if place + 1 < len(batch.participants):
        return batch.window, batch.start + place + 1
    if batch.last:
        return None
    if batch.beyond:
        return batch.beyond, 0
    return batch.window, batch.start + place + 1
