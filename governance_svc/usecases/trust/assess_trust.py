"""Assesses the trust in participants from the evidence in the ledger (governance: Trust)."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from governance_svc.domain.catalogue.catalogue import Catalogue
from governance_svc.domain.ports import Units
from governance_svc.domain.trust.certification import Certification, CertifiedParty
from governance_svc.domain.trust.evidence import Evidence
from governance_svc.domain.trust.projection import TrustProjection
from governance_svc.domain.trust.queries import TrustQuery
from governance_svc.domain.trust.scoring import TrustScorer, trust_input
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.score import Score

CACHE_SECONDS = 1.0
"""How old cached evidence may be: far below `core.durations.FRESH_SECONDS`."""

MAX_PARTICIPANTS = 20_000
"""The most participants whose evidence is cached."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """The trust in one participant; ``scores`` by the capabilities of the query."""

    participant_id: str
    general: Score
    scores: dict[str, Score]
    certified: frozenset[str]
    as_of_sequence: int

    @property
    def least(self) -> float:
        """The least trust over the capabilities; the general trust where the query names none."""
        return min((score.total for score in self.scores.values()), default=self.general.total)

    def input(self) -> JsonObject:
        """The ``trust`` document that policy judges by."""
        return trust_input(self.general, self.scores, self.certified)

    def terms(self) -> dict[str, Json]:
        """Every score with its terms, for the audit."""
        scores = self.scores or {"": self.general}
        return {name: _explained(score) for name, score in scores.items()}


@dataclass(slots=True)
class _CachedEvidence:
    """One participant's evidence, and the assessments already computed from it."""

    read_at: float
    as_of_sequence: int
    projection: TrustProjection
    evidence: Evidence
    assessments: dict[TrustQuery, Assessment] = field(default_factory=dict)


class AssessTrust:
    """Scores evidence, which it caches for a second, so that a batch costs one read."""

    def __init__(self, units: Units, catalogue: Callable[[str], Catalogue], clock: Clock) -> None:
        self._units = units
        self.catalogue = catalogue
        self._clock = clock
        self._cache: OrderedDict[tuple[str, str], _CachedEvidence] = OrderedDict()
        self._changes = 0

    async def __call__(self, call: Call, queries: Sequence[TrustQuery]) -> tuple[Assessment, ...]:
        """One assessment for each query, in order. Raises `Unavailable` without a database."""
        cached = await self._cached(call, [query.participant_id for query in queries])
        return tuple(
            self._assessment(call.tenant, cached[query.participant_id], query) for query in queries
        )

    async def in_numbers(self, call: Call, participants: Sequence[str]) -> tuple[Assessment, ...]:
        """The general trust in each, and that in the capabilities that it is certified for.

        By the trust policy under which it registered, as its registration tells.
        """
        cached = await self._cached(call, participants)
        return tuple(
            self._assessment(
                call.tenant,
                cached[name],
                TrustQuery(name, _held(cached[name]), cached[name].projection.trust_policy),
            )
            for name in participants
        )

    async def projection(self, call: Call, participant_id: str) -> TrustProjection:
        """The projection of one participant."""
        cached = await self._cached(call, [participant_id])
        return cached[participant_id].projection

    async def party(self, call: Call, participant_id: str) -> CertifiedParty:
        """Whom a certification of that participant would be about."""
        projection = await self.projection(call, participant_id)
        held = await self.credentials(call, [projection.owner] if projection.owner else [])
        return _party(participant_id, projection, held)

    async def credentials(self, call: Call, names: Sequence[str]) -> dict[str, str]:
        """The enrolments with which these identities take part, of those that are known."""
        async with self._units.reading(call) as unit:
            found = await unit.find_projections(names) if names else {}
        return {name: one.credential for name, one in found.items() if one.credential}

    def forget(self, tenant: str, participants: Sequence[str]) -> None:
        """Read these participants' evidence anew, because it has changed."""
        self._changes += 1
        for participant_id in participants:
            self._cache.pop((tenant, participant_id), None)

    def forget_all(self) -> None:
        """Read everything anew, because policy has changed."""
        self._changes += 1
        self._cache.clear()

    async def _cached(self, call: Call, participants: Sequence[str]) -> dict[str, _CachedEvidence]:
        """The evidence of ``participants``, read at most a second ago."""
        now = self._clock.monotonic()
        fresh = {}
        for name in participants:
            entry = self._cache.get((call.tenant, name))
            if entry is not None and now - entry.read_at < CACHE_SECONDS:
                fresh[name] = entry
        missing = [name for name in dict.fromkeys(participants) if name not in fresh]
        return fresh if not missing else fresh | await self._read(call, missing, now)

    async def _read(
        self, call: Call, participants: Sequence[str], now: float
    ) -> dict[str, _CachedEvidence]:
        """Read the evidence of ``participants`` in one transaction, and cache it."""
        changes = self._changes
        async with self._units.reading(call) as unit:
            projections = await unit.find_projections(participants)
            held = await unit.unrevoked_certifications(participants)
            sequence = await unit.projected_sequence()
            # Few are certified, and only a certifier's credentials make its owner's matter.
            owners = {
                projections[name].owner
                for name, certifications in held.items()
                if name in projections and any(one.granter_credentials for one in certifications)
            } - {""}
            found = await unit.find_projections(sorted(owners)) if owners else {}
        credentials = {name: one.credential for name, one in found.items() if one.credential}
        entries = {}
        for name in participants:
            projection = projections.get(name, TrustProjection())
            party = _party(name, projection, credentials)
            evidence = self._evidence(call.tenant, projection, party, held.get(name, ()))
            entries[name] = _CachedEvidence(now, sequence, projection, evidence)
            # What changed during the read may be missing from the entry: use it once only.
            if changes == self._changes:
                self._keep(call.tenant, name, entries[name])
        return entries

    def _evidence(
        self,
        tenant: str,
        projection: TrustProjection,
        party: CertifiedParty,
        certifications: tuple[Certification, ...],
    ) -> Evidence:
        owner = projection.owner
        certified = bool(owner) and self.catalogue(tenant).owner(owner).certified
        counting = tuple(one for one in certifications if one.counts_for(party))
        return projection.evidence(counting, owner_certified=certified)

    def _keep(self, tenant: str, name: str, entry: _CachedEvidence) -> None:
        self._cache[tenant, name] = entry
        self._cache.move_to_end((tenant, name))
        if len(self._cache) > MAX_PARTICIPANTS:
            self._cache.popitem(last=False)

    def _assessment(self, tenant: str, cached: _CachedEvidence, query: TrustQuery) -> Assessment:
        if query not in cached.assessments:
            cached.assessments[query] = self._assess(tenant, cached, query)
        return cached.assessments[query]

    def _assess(self, tenant: str, cached: _CachedEvidence, query: TrustQuery) -> Assessment:
        catalogue = self.catalogue(tenant)
        # Policy itself refuses an unknown trust policy; here it must only not be easier.
        policy = query.trust_policy if query.trust_policy in catalogue.trust_policies else ""
        scorer = TrustScorer(
            catalogue.trust_policy(policy), catalogue.trust_model, self._clock.now()
        )
        evidence = cached.evidence
        scores = {name: scorer.score(evidence, name) for name in query.capabilities}
        certified = frozenset(c for c in query.capabilities if scorer.certified(evidence, c))
        general = scorer.score(evidence)
        return Assessment(query.participant_id, general, scores, certified, cached.as_of_sequence)


def _held(cached: _CachedEvidence) -> tuple[str, ...]:
    """The capabilities for which there is a certification, whether or not it holds."""
    return tuple(sorted({c.capability for c in cached.evidence.certifications if c.capability}))


def _party(name: str, projection: TrustProjection, owners: Mapping[str, str]) -> CertifiedParty:
    """Whom certifications of ``name`` are about; ``owners`` has its owner's credential."""
    credentials = {projection.credential, owners.get(projection.owner, "")} - {""}
    return CertifiedParty(name, projection.owner, tuple(sorted(credentials)))


def _explained(score: Score) -> dict[str, Json]:
    return {
        "total": score.total,
        "terms": [
            {
                "name": term.name,
                "value": term.value,
                "weight": term.weight,
                "because": term.because,
                "evidence": list(term.evidence),
            }
            for term in score.terms
        ],
    }
