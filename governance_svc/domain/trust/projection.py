"""Projects audit events into the evidence on a participant (governance: Trust).

Events are applied in the order of the ledger, so the same ledger gives the same evidence, whether
it is projected as it grows or anew. The event catalogue gives the evidence of each event type. What
a task says is attributed over all who tried it, so one event can change several projections.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, TypeVar

from governance_svc.domain.trust.attribution import (
    EXCUSED,
    TaskTries,
    outcome_of,
    verdicts,
    with_try,
)
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
from phoenix_runtime.core.events import AuditEvent, AuditEventType, ReasonCode
from phoenix_runtime.core.json import Json

RULES: Final = "3"
"""The version of the rules below. Change it with them: then every ledger is projected anew."""

MAX_ITEMS: Final = 100
"""Items of one kind that are kept, newest last: older evidence hardly weighs anything."""

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

PATIENT_TYPES: Final = frozenset(
    event_type
    for event_type in AuditEventType
    if EVIDENCE.get(event_type, TrustEvidence.NONE) in {TrustEvidence.NONE, *OUTCOMES}
)
"""The event types that say nothing of a participant's identity, grants, health or conduct: whoever
is asked for trust may leave them out for a moment."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class TrustProjection:
    """The evidence on one participant from the ledger, certifications aside.

    ``method`` is how its newest registration was proved, ``registration`` that event's id;
    ``capabilities`` are those granted; ``excused`` are outcomes that do not count. ``credential``
    is the enrolment with which it takes part, or was enrolled last.
    """

    method: str = ""
    credential: str = ""
    owner: str = ""
    registration: str = ""
    trust_policy: str = ""
    capabilities: tuple[str, ...] = ()
    outcomes: tuple[TaskOutcome, ...] = ()
    denials: tuple[Denial, ...] = ()
    health: tuple[HealthSummary, ...] = ()
    reviews: tuple[Review, ...] = ()
    excused: tuple[TaskOutcome, ...] = ()

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
            excused=self.excused,
        )


def project(projection: TrustProjection, event: AuditEvent) -> TrustProjection:
    """``projection`` with what ``event``, which names that participant, adds to it.

    For an event about the end of a task's try, this is so only where it names no task: what a task
    says also depends on the others who tried it (`TrustFold`).
    """
    evidence = EVIDENCE.get(event.type, TrustEvidence.NONE)
    if evidence in OUTCOMES:
        return _with_outcome(projection, event)
    if evidence.severity:
        return _with_denial(projection, event, evidence.severity)
    add = _ADDING.get(evidence)
    return projection if add is None else add(projection, event)


class TrustFold:
    """Applies events in the order of the ledger to the projections of all whom they concern.

    ``tries`` is what the tasks of the coming events said before, by task, and ``projections`` has
    everybody whom those and the events name; who is missing is new.
    """

    def __init__(
        self,
        projections: Mapping[str, TrustProjection] | None = None,
        tries: Mapping[str, TaskTries] | None = None,
    ) -> None:
        self.projections = dict(projections or {})
        self.changed: set[str] = set()
        self._tries = dict(tries or {})

    def apply(self, event: AuditEvent) -> None:
        """Apply one event; one without a participant, or without evidence, changes nothing."""
        if not event.participant or event.type not in EVIDENCE:
            return
        if event.task and EVIDENCE[event.type] in OUTCOMES:
            self._attribute(event)
        else:
            self._save(event.participant, project(self._known(event.participant), event))

    def _attribute(self, event: AuditEvent) -> None:
        """Replace what the task said about each of its participants by what it says now."""
        before = self._tries.get(event.task, TaskTries())
        after = self._tries[event.task] = with_try(before, event)
        said, says = verdicts(before), verdicts(after)
        for name, outcome in says.items():
            if outcome != said.get(name):
                self._save(name, _with_verdict(self._known(name), outcome))

    def _known(self, name: str) -> TrustProjection:
        return self.projections.get(name, TrustProjection())

    def _save(self, name: str, projection: TrustProjection) -> None:
        self.projections[name] = projection
        self.changed.add(name)


def project_all(events: Iterable[AuditEvent]) -> dict[str, TrustProjection]:
    """Every participant's projection from a whole ledger, in its order."""
    fold = TrustFold()
    for event in events:
        fold.apply(event)
    return fold.projections


def tries_of(events: Iterable[AuditEvent]) -> dict[str, TaskTries]:
    """What each task said, from its events in the order of the ledger."""
    found: dict[str, TaskTries] = {}
    for event in events:
        if event.task and event.participant:
            found[event.task] = with_try(found.get(event.task, TaskTries()), event)
    return found


def _with_registration(projection: TrustProjection, event: AuditEvent) -> TrustProjection:
    claims, identity = _object(event.detail.get("claims")), _object(event.detail.get("identity"))
    return replace(
        _with_capabilities(projection, event.detail.get("grants")),
        method=str(identity.get("assurance") or ""),
        owner=str(event.detail.get("owner") or ""),
        trust_policy=str(claims.get("trust_policy") or ""),
        registration=event.event_id,
        credential=_held(event) or projection.credential,
    )


def _held(event: AuditEvent) -> str:
    """The enrolment that a participant registered with; empty where somebody registered it."""
    own = event.actor in {event.participant, f"participant:{event.participant}"}
    descent = _object(event.detail.get("descent"))
    return str(descent.get("credential") or "") if own else ""


def _with_enrolment(projection: TrustProjection, event: AuditEvent) -> TrustProjection:
    return replace(projection, credential=str(event.detail.get("enrolment_id") or ""))


def _with_grants(projection: TrustProjection, event: AuditEvent) -> TrustProjection:
    return _with_capabilities(projection, event.detail.get("new"))


def _with_capabilities(projection: TrustProjection, grants: Json) -> TrustProjection:
    granted = _object(grants).get("capabilities")
    if not isinstance(granted, list | tuple):
        return projection
    return replace(projection, capabilities=tuple(str(name) for name in granted))


def _with_outcome(projection: TrustProjection, event: AuditEvent) -> TrustProjection:
    outcome = outcome_of(event)
    if not outcome:
        return projection
    return _with_verdict(projection, TaskOutcome(outcome, event.timestamp, event.event_id))


def _with_verdict(projection: TrustProjection, verdict: TaskOutcome) -> TrustProjection:
    """The projection with this piece of evidence instead of any other about the same task."""
    outcomes = _without(projection.outcomes, verdict.task)
    excused = _without(projection.excused, verdict.task)
    if verdict.outcome in EXCUSED:
        excused = _newest(excused, verdict)
    else:
        outcomes = _newest(outcomes, verdict)
    return replace(projection, outcomes=outcomes, excused=excused)


def _without(outcomes: tuple[TaskOutcome, ...], task: str) -> tuple[TaskOutcome, ...]:
    return tuple(one for one in outcomes if one.task != task) if task else outcomes


def _with_denial(projection: TrustProjection, event: AuditEvent, severity: str) -> TrustProjection:
    """A denial counts only where the participant was the actor: others may have named it."""
    if event.actor not in {event.participant, f"participant:{event.participant}"}:
        return projection
    # Who goes on after a lost owner is told to look whether an effect was done: nobody's fault.
    if event.reason_code == ReasonCode.OUTCOME_UNKNOWN:
        return projection
    # A former owner that writes under its old epoch is late, not malicious.
    late = event.reason_code == ReasonCode.STALE_EPOCH
    item = Denial("low" if late else severity, event.timestamp, event.event_id, _about(event))
    others = tuple(one for one in projection.denials if not item.about or one.about != item.about)
    return replace(projection, denials=_newest(others, item))


def _about(event: AuditEvent) -> str:
    """What was tried for which task: the tries of one task are one piece of evidence.

    A credential that is used for another is no try of a task: each one counts.
    """
    if not event.task or event.reason_code == ReasonCode.CREDENTIAL_MISUSED:
        return ""
    return " ".join((event.task, event.type, str(event.detail.get("name") or "")))


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
    TrustEvidence.ENROLMENT: _with_enrolment,
    TrustEvidence.GRANTS: _with_grants,
    TrustEvidence.HEALTH: _with_health,
    TrustEvidence.REVIEW: _with_review,
}


def _newest(items: tuple[Item, ...], newest: Item) -> tuple[Item, ...]:
    return (*items[-(MAX_ITEMS - 1) :], newest)


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
