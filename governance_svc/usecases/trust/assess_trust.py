"""Trust of participants, from the evidence in the ledger (governance: Trust)."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from governance_svc.domain.catalogue.catalogue import Catalogue
from governance_svc.domain.ports import Records, TrustRecords
from governance_svc.domain.trust.evidence import Evidence
from governance_svc.domain.trust.projection import Folded
from governance_svc.domain.trust.queries import TrustQuestion
from governance_svc.domain.trust.scoring import TrustScorer, trust_input
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.score import Score

FRESH_SECONDS = 1.0
"""How old evidence may be: far below the 5 s that a decision may be old when it binds."""

REMEMBERED = 20_000
"""Participants whose evidence is kept at most."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """The trust in one participant; ``scores`` by the capability that was asked for."""

    participant_id: str
    general: Score
    scores: dict[str, Score]
    certified: frozenset[str]
    as_of_sequence: int

    @property
    def least(self) -> float:
        """The least trust over the capabilities; the general trust where none was asked for."""
        return min((score.total for score in self.scores.values()), default=self.general.total)

    def input(self) -> JsonObject:
        """The ``trust`` document that policy judges by."""
        return trust_input(self.general, self.scores, self.certified)

    def terms(self) -> dict[str, Json]:
        """Every score with its terms, for the audit."""
        scores = self.scores or {"": self.general}
        return {name: _explained(score) for name, score in scores.items()}


@dataclass(slots=True)
class _Known:
    """One participant's evidence, and the assessments already made of it."""

    read_at: float
    as_of_sequence: int
    folded: Folded
    evidence: Evidence
    made: dict[TrustQuestion, Assessment] = field(default_factory=dict)


class AssessTrust:
    """Scores evidence; what was read is kept for a second, so that a batch costs one look."""

    def __init__(
        self, records: TrustRecords, catalogue: Callable[[], Catalogue], clock: Clock
    ) -> None:
        self._records = records
        self._catalogue = catalogue
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()
        self._changes = 0

    async def __call__(
        self, tenant: str, questions: Sequence[TrustQuestion]
    ) -> tuple[Assessment, ...]:
        """One assessment a question, in order. Raises `Unavailable` without a database."""
        known = await self._look(tenant, [question.participant_id for question in questions])
        return tuple(self._assessed(known[one.participant_id], one) for one in questions)

    async def evidence(self, tenant: str, participant_id: str) -> Folded:
        """What the ledger says of one participant."""
        known = await self._look(tenant, [participant_id])
        return known[participant_id].folded

    def forget(self, tenant: str, participants: Sequence[str]) -> None:
        """Read these participants' evidence anew: it has changed."""
        self._changes += 1
        for participant_id in participants:
            self._known.pop((tenant, participant_id), None)

    def forget_all(self) -> None:
        """Read everything anew: policy has changed."""
        self._changes += 1
        self._known.clear()

    async def _look(self, tenant: str, participants: Sequence[str]) -> dict[str, _Known]:
        """The evidence of ``participants``, as read at most a second ago."""
        now = self._clock.monotonic()
        found = {name: self._recalled(tenant, name, now) for name in dict.fromkeys(participants)}
        missing = [name for name, known in found.items() if known is None]
        if missing:
            changes = self._changes
            records = await self._records.read(tenant, missing)
            for name in missing:
                found[name] = known = self._understood(name, records, now)
                # What changed while it was read may be missing from it: good for once.
                if changes == self._changes:
                    self._keep(tenant, name, known)
        return {name: known for name, known in found.items() if known is not None}

    def _recalled(self, tenant: str, participant_id: str, now: float) -> _Known | None:
        known = self._known.get((tenant, participant_id))
        return known if known is not None and now - known.read_at < FRESH_SECONDS else None

    def _understood(self, name: str, records: Records, now: float) -> _Known:
        folded = records.folded.get(name, Folded())
        certified = bool(folded.owner) and self._catalogue().owner(folded.owner).certified
        evidence = folded.evidence(records.certificates.get(name, ()), certified=certified)
        return _Known(now, records.as_of_sequence, folded, evidence)

    def _keep(self, tenant: str, name: str, known: _Known) -> None:
        self._known[tenant, name] = known
        self._known.move_to_end((tenant, name))
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _assessed(self, known: _Known, question: TrustQuestion) -> Assessment:
        if question not in known.made:
            known.made[question] = self._made(known, question)
        return known.made[question]

    def _made(self, known: _Known, question: TrustQuestion) -> Assessment:
        catalogue = self._catalogue()
        # An unknown trust policy is refused by policy itself; here it must only not be easier.
        name = question.trust_policy if question.trust_policy in catalogue.trust_policies else ""
        scorer = TrustScorer(catalogue.trust_policy(name), catalogue.trust_model, self._clock.now())
        scores = {name: scorer.score(known.evidence, name) for name in question.capabilities}
        held = frozenset(c for c in question.capabilities if scorer.certified(known.evidence, c))
        general = scorer.score(known.evidence)
        return Assessment(question.participant_id, general, scores, held, known.as_of_sequence)


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
