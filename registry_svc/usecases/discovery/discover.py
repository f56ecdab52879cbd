"""DiscoverParticipants (Algorithm 2, as the guarantees amend it).

The index ranks everybody who is granted all capabilities and every domain, in an eligible state,
for the task type, by the trust that governance tells of and by what heartbeats say. The best are
read from their rows again and evaluated by policy, about ten first, then in batches, until the
page is full or nobody is left: a denied first batch must not look like "nobody". Those that policy
allows are ranked by current values.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.events import AuditDraft, AuditEventType
from phoenix_runtime.core.pages import PAGE_BYTES
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.verdict import Verdict
from registry_svc.domain.discovery import (
    BATCH,
    FIRST_BATCH,
    MAX_EXCLUDED,
    DiscoveryResult,
    Excluded,
    Requirement,
    Search,
    audit_detail,
    candidate_bytes,
    excluded_by_filter,
    excluded_by_policy,
    matches,
    result_hash,
)
from registry_svc.domain.discovery_index import TenantIndex
from registry_svc.domain.participant import Participant
from registry_svc.domain.ranking import BILLION, Eligible, Place, RankWeights, Scale, rank
from registry_svc.domain.session import ParticipantKey
from registry_svc.usecases.context import RegistryContext
from registry_svc.usecases.discovery.follow_participants import FollowParticipants
from registry_svc.usecases.discovery.shared_work import Questions, SharedWork

REMEMBERED_TRIES: Final = 50_000
"""Tasks whose last result of the engine's own tries is remembered."""


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

    def __init__(
        self, context: RegistryContext, followed: FollowParticipants, weights: RankWeights
    ) -> None:
        self._context = context
        self._followed = followed
        self._weights = weights
        self._shared = SharedWork(context)
        self._tries: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def __call__(self, call: Call, search: Search) -> DiscoveryResult:
        """A page of candidates, best first; the audit event is committed before the answer."""
        index = await self._followed.ready(call)
        walk = await self._walk(call, search, index)
        if not walk.full and not search.page.after:
            await self._add_near_misses(call, search.requirement, walk, index)
        self._remember_trust(call, walk)
        required = search.requirement.required_capabilities
        candidates = rank(self._eligible(call, walk), required, self._weights, walk.scale)
        token = "" if walk.next is None else search.page.token(_written(walk.next))
        found = DiscoveryResult(candidates, tuple(walk.excluded), token)
        return replace(found, receipt=await self._audit(call, search, found))

    async def _walk(self, call: Call, search: Search, index: TenantIndex) -> Walk:
        """Ask about the best who are left until the page is full.

        A page begins after a place. Where a load changes between two pages, a participant may stand
        on both or on neither: the next search finds it.
        """
        walk, most = Walk(search.page.size), max(FIRST_BATCH, min(search.page.size, BATCH))
        ranking = index.ranked(search.requirement, _place(search.page.after))
        walk.scale = ranking.scale
        while batch := ranking.take(most):
            judged = await self._judged(call, search.requirement, batch)
            for number, place in enumerate(batch, 1):
                if place.participant_id in judged:
                    walk.take(*judged[place.participant_id])
                if walk.full:
                    walk.next = place if number < len(batch) or ranking.left else None
                    return walk
            most = BATCH
        return walk

    async def _judged(
        self, call: Call, requirement: Requirement, batch: Sequence[Place]
    ) -> Mapping[str, tuple[Participant, Verdict]]:
        """The participants of a batch, with what policy says; who no longer matches is left out."""
        ids = [place.participant_id for place in batch]
        rows = await self._shared.read(call, ids)
        found = {one.id: one for one in rows if matches(one, requirement)}
        asked = [found[name] for name in ids if name in found]
        verdicts = await self._shared.judge(Questions(call, requirement, asked))
        pairs = zip(asked, verdicts, strict=True)
        return {participant.id: (participant, verdict) for participant, verdict in pairs}

    async def _add_near_misses(
        self, call: Call, requirement: Requirement, walk: Walk, index: TenantIndex
    ) -> None:
        """Add participants that do not match although they have a capability."""
        ids = index.near_misses(requirement, MAX_EXCLUDED - len(walk.excluded))
        if ids:
            near = await self._shared.read(call, ids)
            walk.excluded += [
                excluded_by_filter(one, requirement)
                for one in near
                if not matches(one, requirement)
            ]

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
        draft = AuditDraft(
            type=AuditEventType.DISCOVERY_COMPLETED,
            aggregate=f"discovery/{self._context.new_id('discovery')}",
            aggregate_version=1,
            task=search.requirement.task_id,
            correlation_id=search.correlation_id,
            detail=audit_detail(search.requirement, found),
        )
        receipt = await self._shared.audit(call, draft)
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


def _written(place: Place) -> tuple[str, ...]:
    """A place as the sort key in a page token."""
    return "suspect" if place.suspect else "", str(place.lacking), place.participant_id


def _place(after: tuple[str, ...]) -> Place | None:
    """The place after which a page begins, None for the first; raises `FieldInvalid`."""
    if not after:
        return None
    try:
        suspect, lacking, participant_id = after
        place = Place(suspect == "suspect", int(lacking), participant_id)
    except (ValueError, TypeError) as error:
        raise FieldInvalid([Violation("page_token", "not a token of ours")]) from error
    if abs(place.lacking) > 2 * BILLION or not isinstance(participant_id, str):
        raise FieldInvalid([Violation("page_token", "not a token of ours")])
    return place
