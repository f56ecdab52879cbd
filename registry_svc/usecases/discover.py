"""DiscoverParticipants (Algorithm 2, as the guarantees amend it).

All capabilities, every domain, state and task type are filtered in the store; what is left is
pre-ranked by what is known and judged by policy in batches until the page is full or nobody is
left: a denied first batch never looks like "nobody". What passed is ranked by current values.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.events import AuditDraft, AuditEventType
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.verdict import DecisionPoint, Verdict
from registry_svc.domain.discovery import (
    BATCH,
    MOST_EXCLUDED,
    Excluded,
    Found,
    Need,
    Search,
    audit_detail,
    excluded_before,
    excluded_by,
    result_hash,
)
from registry_svc.domain.documents import participant_document
from registry_svc.domain.participant import Participant
from registry_svc.domain.presence import Key
from registry_svc.domain.ranking import Judged, RankWeights, pre_rank, rank
from registry_svc.usecases.parts import Parts

WINDOW: Final = 4 * BATCH
"""Participants that are read, and pre-ranked among each other, at once."""
REMEMBERED_TRIES: Final = 50_000


@dataclass(slots=True)
class Walk:
    """What one search has found so far, and where the next page begins."""

    size: int
    passed: list[tuple[Participant, Verdict]] = field(default_factory=list)
    excluded: list[Excluded] = field(default_factory=list)
    next: tuple[str, int] | None = None

    @property
    def full(self) -> bool:
        """Whether the page is."""
        return len(self.passed) >= self.size

    def take(self, participant: Participant, verdict: Verdict) -> None:
        """A candidate and what policy says of it."""
        if verdict.allowed:
            self.passed.append((participant, verdict))
        elif len(self.excluded) < MOST_EXCLUDED:
            self.excluded.append(excluded_by(participant.id, verdict))


@dataclass(frozen=True, slots=True)
class Batch:
    """Participants to be judged together; ``start`` and ``end`` are places in the window."""

    participants: Sequence[Participant]
    window: str
    start: int
    last: bool
    """Whether nobody comes behind this batch."""
    beyond: str
    """Where the next window begins; empty where the window goes on behind this batch."""


class DiscoverParticipants:
    """Raises `PolicyEngineUnavailable` where no decision could be had."""

    def __init__(self, parts: Parts, weights: RankWeights) -> None:
        self._parts = parts
        self._weights = weights
        self._tries: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def __call__(self, call: Call, search: Search) -> Found:
        """A page of candidates, best first, audited before it is answered."""
        walk = await self._walk(call, search)
        if not walk.full and not search.page.after:
            await self._near(call, search.need, walk)
        self._remember_trust(call, walk)
        candidates = rank(
            self._judged(call, walk), search.need.required_capabilities, self._weights
        )
        token = "" if walk.next is None else search.page.token((walk.next[0], str(walk.next[1])))
        found = Found(candidates, tuple(walk.excluded), token)
        return Found(candidates, found.excluded, token, await self._audit(call, search, found))

    async def _walk(self, call: Call, search: Search) -> Walk:
        walk = Walk(search.page.size)
        async for batch in self._batches(call, search):
            questions = [_question(one, search.need) for one in batch.participants]
            verdicts = await self._parts.policy.evaluate(call, DecisionPoint.DISCOVER, questions)
            for place, pair in enumerate(zip(batch.participants, verdicts, strict=True)):
                walk.take(*pair)
                if walk.full:
                    walk.next = _behind(batch, place)
                    return walk
        return walk

    async def _batches(self, call: Call, search: Search) -> AsyncIterator[Batch]:
        """Windows by id, each in the order of what is known; the place in it is the page's.

        Where load moves between two pages, somebody may be seen twice or on neither: the next
        search finds them.
        """
        after, skip = _place(search.page.after)
        while True:
            window = await self._parts.registry.matching(
                call.tenant, search.need, after=after, limit=WINDOW
            )
            vitals = self._parts.attendance.vitals
            known = [vitals(Key(call.tenant, one.id)) for one in window]
            ordered = pre_rank(window, known)
            more = len(window) == WINDOW
            for start in range(skip, len(ordered), BATCH):
                ends = start + BATCH >= len(ordered)
                beyond = window[-1].id if ends else ""
                yield Batch(ordered[start : start + BATCH], after, start, ends and not more, beyond)
            if not more:
                return
            after, skip = window[-1].id, 0

    async def _near(self, call: Call, need: Need, walk: Walk) -> None:
        """Who came near and never reached policy, with the conjunct that failed."""
        room = MOST_EXCLUDED - len(walk.excluded)
        if room > 0:
            near = await self._parts.registry.near(call.tenant, need, limit=room)
            walk.excluded += [excluded_before(one, need) for one in near]

    def _judged(self, call: Call, walk: Walk) -> list[Judged]:
        """Those who passed, with their standing of this moment."""
        vitals = self._parts.attendance.vitals
        return [
            Judged(participant.standing(vitals(Key(call.tenant, participant.id))), verdict)
            for participant, verdict in walk.passed
        ]

    def _remember_trust(self, call: Call, walk: Walk) -> None:
        found = [(one.id, verdict.trust) for one, verdict in walk.passed]
        known = [(name, trust) for name, trust in found if trust is not None]
        self._parts.attendance.judged(call.tenant, known)

    async def _audit(self, call: Call, search: Search, found: Found) -> Receipt | None:
        """DISCOVERY_COMPLETED; of the engine's own tries only where the result changed."""
        if search.engine_try and self._same_as_before(call, search, found):
            return None
        async with self._parts.units(call) as unit:
            receipt = await unit.audit(
                AuditDraft(
                    type=AuditEventType.DISCOVERY_COMPLETED,
                    aggregate=f"discovery/{self._parts.new_id('discovery')}",
                    aggregate_version=1,
                    task=search.need.task_id,
                    correlation_id=search.correlation_id,
                    detail=audit_detail(search.need, found),
                )
            )
        if search.engine_try:
            self._note_try(call, search, found)
        return receipt

    def _same_as_before(self, call: Call, search: Search, found: Found) -> bool:
        key = (call.tenant, search.need.task_id)
        return self._tries.get(key) == result_hash(found.candidates, found.excluded)

    def _note_try(self, call: Call, search: Search, found: Found) -> None:
        """Memory is enough: after a restart the first try is audited once more."""
        key = (call.tenant, search.need.task_id)
        self._tries[key] = result_hash(found.candidates, found.excluded)
        self._tries.move_to_end(key)
        if len(self._tries) > REMEMBERED_TRIES:
            self._tries.popitem(last=False)


def _question(participant: Participant, need: Need) -> JsonObject:
    """Governance adds the caller, and the trust and certificates of the candidate."""
    return {"candidate": participant_document(participant), "requirement": need.document()}


def _place(after: tuple[str, ...]) -> tuple[str, int]:
    """The window and the place in it at which a page begins."""
    if not after:
        return "", 0
    window, place = (*after, "", "")[:2]
    if len(after) != 2 or not place.isdecimal() or len(place) > 3 or int(place) > WINDOW:
        raise FieldInvalid([Violation("page_token", "not a token of ours")])
    return window, int(place)


def _behind(batch: Batch, place: int) -> tuple[str, int] | None:
    """Where the page behind ``place`` of ``batch`` begins; None where nobody is left."""
    if place + 1 < len(batch.participants):
        return batch.window, batch.start + place + 1
    if batch.last:
        return None
    if batch.beyond:
        return batch.beyond, 0
    return batch.window, batch.start + place + 1
