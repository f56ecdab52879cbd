"""What each audit event adds to the evidence of a participant (governance: Trust).

Folded event by event in the order of the ledger, so the same ledger gives the same evidence,
whether it was folded as it grew or is folded anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from governance_svc.domain.trust.certification import Certification
from governance_svc.domain.trust.evidence import (
    Denial,
    Evidence,
    HealthSummary,
    IdentityProof,
    Review,
    TaskOutcome,
)
from phoenix_runtime.core.event_catalogue import CATALOGUE, ENTRIES, OUTCOMES, TrustEvidence
from phoenix_runtime.core.events import AuditEvent, ReasonCode
from phoenix_runtime.core.events import AuditEventType as Type
from phoenix_runtime.core.json import Json

FOLD: Final = "1"
"""Raise it when the rules below change: then every projection is folded anew."""

WINDOW: Final = 100
"""Items of one kind that are kept, newest last: older evidence hardly weighs anything."""

LOSSES: Final = frozenset(
    {ReasonCode.PARTICIPANT_FAILED, ReasonCode.PARTICIPANT_LEFT, ReasonCode.NOT_RESUMED}
)
"""Reasons for which a task was lost, rather than taken away or given back in good order."""

TYPES: Final = tuple(sorted(entry.type for entry in ENTRIES if entry.evidence))
"""The events on which trust rests, certifications aside."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Folded:
    """What the ledger says of one participant; certificates are kept by themselves.

    ``method`` is how its newest registration was proved; ``capabilities`` are those granted.
    """

    method: str = ""
    owner: str = ""
    registration: str = ""
    trust_policy: str = ""
    capabilities: tuple[str, ...] = ()
    outcomes: tuple[TaskOutcome, ...] = ()
    denials: tuple[Denial, ...] = ()
    health: tuple[HealthSummary, ...] = ()
    reviews: tuple[Review, ...] = ()

    def evidence(self, certificates: tuple[Certification, ...], *, certified: bool) -> Evidence:
        """The evidence to be scored; ``certified`` says whether policy certifies the owner."""
        identity = None
        if self.registration:
            identity = IdentityProof(self.method, certified, self.registration)
        return Evidence(
            identity=identity,
            certificates=certificates,
            outcomes=self.outcomes,
            denials=self.denials,
            health=self.health,
            reviews=self.reviews,
        )


def fold(folded: Folded, event: AuditEvent) -> Folded:
    """``folded`` and what ``event``, which is about that participant, adds to it."""
    evidence = CATALOGUE[event.type].evidence if event.type in CATALOGUE else TrustEvidence.NONE
    if evidence in {TrustEvidence.IDENTITY, TrustEvidence.GRANTS}:
        return _registered(folded, event)
    if evidence in OUTCOMES:
        return _outcome(folded, event, evidence)
    if evidence.severity:
        return _denied(folded, event, evidence.severity)
    if evidence is TrustEvidence.HEALTH:
        return _health(folded, event)
    if evidence is TrustEvidence.REVIEW:
        approved = event.new_state == "approved"
        review = Review(approved, event.timestamp, event.event_id)
        return replace(folded, reviews=_kept(folded.reviews, review))
    return folded


def fold_all(events: Iterable[AuditEvent]) -> dict[str, Folded]:
    """Every participant's evidence from a whole ledger, in its order."""
    found: dict[str, Folded] = {}
    for event in events:
        if event.participant and event.type in TYPES:
            known = found.get(event.participant, Folded())
            found[event.participant] = fold(known, event)
    return found


def _registered(folded: Folded, event: AuditEvent) -> Folded:
    """A registration proves an identity; it and an update say what is granted."""
    claims = _object(event.detail.get("claims"))
    updated = event.type == Type.CAPABILITIES_UPDATED
    granted = _object(event.detail.get("new" if updated else "grants")).get("capabilities")
    if isinstance(granted, list | tuple):
        folded = replace(folded, capabilities=tuple(str(name) for name in granted))
    if updated:
        return folded
    identity = _object(event.detail.get("identity"))
    return replace(
        folded,
        method=str(identity.get("assurance") or ""),
        owner=str(event.detail.get("owner") or ""),
        trust_policy=str(claims.get("trust_policy") or ""),
        registration=event.event_id,
    )


def _outcome(folded: Folded, event: AuditEvent, outcome: TrustEvidence) -> Folded:
    if outcome is TrustEvidence.LOST and event.reason_code not in LOSSES:
        return folded
    item = TaskOutcome(outcome.value, event.timestamp, event.event_id)
    return replace(folded, outcomes=_kept(folded.outcomes, item))


def _denied(folded: Folded, event: AuditEvent, severity: str) -> Folded:
    """A denial counts only where the participant was the actor: others may have tried to use it."""
    if event.actor not in {event.participant, f"participant:{event.participant}"}:
        return folded
    # A zombie that tries its old epoch is late, not malicious.
    late = event.reason_code == ReasonCode.STALE_EPOCH
    item = Denial("low" if late else severity, event.timestamp, event.event_id)
    return replace(folded, denials=_kept(folded.denials, item))


def _health(folded: Folded, event: AuditEvent) -> Folded:
    due, kept = event.detail.get("beats_due"), event.detail.get("beats_kept")
    if not isinstance(due, int | float) or not isinstance(kept, int | float) or due <= 0:
        return folded
    item = HealthSummary(int(due), int(kept), event.timestamp, event.event_id)
    return replace(folded, health=_kept(folded.health, item))


def _kept(items: tuple[Item, ...], newest: Item) -> tuple[Item, ...]:
    return (*items[-(WINDOW - 1) :], newest)


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
