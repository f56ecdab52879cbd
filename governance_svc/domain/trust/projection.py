"""Projects audit events into the evidence on a participant (governance: Trust).

Events are applied in the order of the ledger, so the same ledger gives the same evidence, whether
it is projected as it grows or anew. The event catalogue gives the evidence of each event type.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
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
from phoenix_runtime.core.event_catalogue import ENTRIES, OUTCOMES, TrustEvidence
from phoenix_runtime.core.events import AuditEvent, ReasonCode
from phoenix_runtime.core.json import Json

RULES: Final = "1"
"""The version of the rules below. Change it with them: then every ledger is projected anew."""

MAX_ITEMS: Final = 100
"""Items of one kind that are kept, newest last: older evidence hardly weighs anything."""

LOSSES: Final = frozenset(
    {ReasonCode.PARTICIPANT_FAILED, ReasonCode.PARTICIPANT_LEFT, ReasonCode.NOT_RESUMED}
)
"""Reasons for which a task was lost, rather than taken away or given back in good order."""

EVIDENCE: Final[Mapping[str, TrustEvidence]] = MappingProxyType(
    {
        entry.type.value: entry.evidence
        for entry in ENTRIES
        if entry.evidence is not TrustEvidence.NONE
    }
)
"""The evidence of each event type; types without any are absent."""

EVIDENCE_TYPES: Final = tuple(sorted(EVIDENCE))
"""The event types that are projected; certifications are read from their own table."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class TrustProjection:
    """The evidence on one participant from the ledger, certifications aside.

    ``method`` is how its newest registration was proved, ``registration`` that event's id;
    ``capabilities`` are those granted.
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

    def evidence(
        self, certifications: tuple[Certification, ...], *, owner_certified: bool
    ) -> Evidence:
        """The evidence to be scored; ``owner_certified``: whether policy certifies the owner."""
        identity = None
        if self.registration:
            identity = IdentityProof(self.method, owner_certified, self.registration)
        return Evidence(
            identity=identity,
            certifications=certifications,
            outcomes=self.outcomes,
            denials=self.denials,
            health=self.health,
            reviews=self.reviews,
        )


def project(projection: TrustProjection, event: AuditEvent) -> TrustProjection:
    """``projection`` with what ``event``, which names that participant, adds to it."""
    evidence = EVIDENCE.get(event.type, TrustEvidence.NONE)
    if evidence in OUTCOMES:
        return _with_outcome(projection, event, evidence)
    if evidence.severity:
        return _with_denial(projection, event, evidence.severity)
    add = _ADDING.get(evidence)
    return projection if add is None else add(projection, event)


def project_all(events: Iterable[AuditEvent]) -> dict[str, TrustProjection]:
    """Every participant's projection from a whole ledger, in its order."""
    projections: dict[str, TrustProjection] = {}
    for event in events:
        if event.participant and event.type in EVIDENCE:
            before = projections.get(event.participant, TrustProjection())
            projections[event.participant] = project(before, event)
    return projections


def _with_registration(projection: TrustProjection, event: AuditEvent) -> TrustProjection:
    claims, identity = _object(event.detail.get("claims")), _object(event.detail.get("identity"))
    return replace(
        _with_capabilities(projection, event.detail.get("grants")),
        method=str(identity.get("assurance") or ""),
        owner=str(event.detail.get("owner") or ""),
        trust_policy=str(claims.get("trust_policy") or ""),
        registration=event.event_id,
    )


def _with_grants(projection: TrustProjection, event: AuditEvent) -> TrustProjection:
    return _with_capabilities(projection, event.detail.get("new"))


def _with_capabilities(projection: TrustProjection, grants: Json) -> TrustProjection:
    granted = _object(grants).get("capabilities")
    if not isinstance(granted, list | tuple):
        return projection
    return replace(projection, capabilities=tuple(str(name) for name in granted))


def _with_outcome(
    projection: TrustProjection, event: AuditEvent, outcome: TrustEvidence
) -> TrustProjection:
    if outcome is TrustEvidence.LOST and event.reason_code not in LOSSES:
        return projection
    item = TaskOutcome(outcome.value, event.timestamp, event.event_id)
    return replace(projection, outcomes=_newest(projection.outcomes, item))


def _with_denial(projection: TrustProjection, event: AuditEvent, severity: str) -> TrustProjection:
    """A denial counts only where the participant was the actor: others may have named it."""
    if event.actor not in {event.participant, f"participant:{event.participant}"}:
        return projection
    # A former owner that writes under its old epoch is late, not malicious.
    late = event.reason_code == ReasonCode.STALE_EPOCH
    item = Denial("low" if late else severity, event.timestamp, event.event_id)
    return replace(projection, denials=_newest(projection.denials, item))


def _with_health(projection: TrustProjection, event: AuditEvent) -> TrustProjection:
    due, kept = event.detail.get("beats_due"), event.detail.get("beats_kept")
    if not isinstance(due, int | float) or not isinstance(kept, int | float) or due <= 0:
        return projection
    item = HealthSummary(int(due), int(kept), event.timestamp, event.event_id)
    return replace(projection, health=_newest(projection.health, item))


def _with_review(projection: TrustProjection, event: AuditEvent) -> TrustProjection:
    review = Review(event.new_state == "approved", event.timestamp, event.event_id)
    return replace(projection, reviews=_newest(projection.reviews, review))


_ADDING: Final[Mapping[str, Callable[[TrustProjection, AuditEvent], TrustProjection]]] = {
    TrustEvidence.IDENTITY: _with_registration,
    TrustEvidence.GRANTS: _with_grants,
    TrustEvidence.HEALTH: _with_health,
    TrustEvidence.REVIEW: _with_review,
}


def _newest(items: tuple[Item, ...], newest: Item) -> tuple[Item, ...]:
    return (*items[-(MAX_ITEMS - 1) :], newest)


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
