"""The evidence on a participant that trust rests on, from the audit. None is self-declared."""

from dataclasses import dataclass
from datetime import datetime

from governance_svc.domain.trust.certification import Certification


@dataclass(frozen=True, slots=True)
class IdentityProof:
    """How the credential of the newest registration was proved: local, oidc or svid."""

    method: str
    owner_certified: bool
    event_id: str


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """How a task ended for the participant: succeeded, failed, lost or declined.

    `attribution.EXCUSED` are the outcomes that do not count. ``task`` is empty where the event
    names none.
    """

    outcome: str
    at: datetime
    event_id: str
    task: str = ""


@dataclass(frozen=True, slots=True)
class Denial:
    """A denial where the participant was the actor. ``severity`` is low, medium or high.

    ``about`` is what was tried for which task; the same again is the same piece of evidence. Empty
    where each denial is one.
    """

    severity: str
    at: datetime
    event_id: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class HealthSummary:
    """Heartbeats that were due and that were kept, in one period."""

    due: int
    kept: int
    at: datetime
    event_id: str


@dataclass(frozen=True, slots=True)
class Review:
    """A human's decision about one of the participant's proposals."""

    approved: bool
    at: datetime
    event_id: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """All evidence on one participant up to some sequence number of the ledger, in any order.

    ``outcomes`` count, ``excused`` are those that do not.
    """

    identity: IdentityProof | None = None
    certifications: tuple[Certification, ...] = ()
    outcomes: tuple[TaskOutcome, ...] = ()
    denials: tuple[Denial, ...] = ()
    health: tuple[HealthSummary, ...] = ()
    reviews: tuple[Review, ...] = ()
    excused: tuple[TaskOutcome, ...] = ()
