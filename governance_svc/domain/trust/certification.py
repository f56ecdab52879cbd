"""Certifications: who vouches for a capability or an owner, on what grounds, until when."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from governance_svc.domain.lifecycle import (
    CERTIFICATIONS,
    Actor,
    CertificationStatus,
    CertificationVerb,
)
from phoenix_runtime.core.principal import Principal

DEFAULT_VALIDITY = timedelta(days=365)
"""How long a certification is valid where the request names no end."""


class Method(StrEnum):
    """How a capability was examined."""

    HUMAN = "human"
    TEST_SUITE = "test_suite"
    MODEL_EVALUATION = "model_evaluation"


@dataclass(frozen=True, slots=True)
class CertificationRequest:
    """What is to be certified. An empty ``capability`` certifies the participant's owner.

    ``method`` is the name of a `Method`; ``coverage`` is in (0, 1].
    """

    participant_id: str
    capability: str
    method: str
    evidence: str
    coverage: float = 1.0
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Certification:
    """A participant's certification for a capability, or for its owner where that is empty.

    ``coverage`` is in (0, 1]. ``version`` is that of its aggregate: 1 when granted, 2 when
    revoked. ``event_id`` names the audit event that granted it, so that trust can cite it.
    """

    certification_id: str
    participant_id: str
    capability: str
    method: Method
    evidence: str
    coverage: float
    granted_by: str
    granted_at: datetime
    valid_until: datetime
    event_id: str = ""
    revoked_at: datetime | None = None
    version: int = 1

    @property
    def aggregate(self) -> str:
        """Its name in the audit."""
        return f"certification/{self.certification_id}"

    @property
    def status(self) -> CertificationStatus:
        """Its state in the audit; the end of its validity is no transition."""
        if self.revoked_at is None:
            return CertificationStatus.GRANTED
        return CertificationStatus.REVOKED

    def holds(self, now: datetime) -> bool:
        """True while it is neither revoked nor past its validity."""
        return self.revoked_at is None and now < self.valid_until

    def counts_for(self, owner: str) -> bool:
        """Whether it is evidence on a participant of ``owner``: nobody vouches for their own.

        Looked at when it is used, too: it may have been granted before the participant came.
        """
        return self.granted_by not in {owner, self.participant_id}

    def recorded(self, event_id: str) -> "Certification":
        """The certification whose grant was audited by ``event_id``."""
        return replace(self, event_id=event_id)

    def revoked(self, at: datetime) -> "Certification":
        """Revoked at ``at``; raises `IllegalTransition` where it is revoked already."""
        CERTIFICATIONS.apply(self.status, CertificationVerb.REVOKE, Actor.CERTIFIER)
        return replace(self, revoked_at=at, version=self.version + 1)


def own_because(participant: str, owner: str, certifier: Principal) -> str:
    """Why ``certifier`` may not certify ``participant``, whatever its role; empty where it may.

    ``owner`` is the participant's, empty where it is not known. As with approvals: whoever enrolled
    somebody can be that somebody, so what they vouch for would be their own.
    """
    itself = {certifier.participant, certifier.subject, certifier.descent.holder} - {""}
    if participant in itself:
        return "Nobody certifies itself"
    if owner in itself:
        return f"Nobody certifies what they own, and {participant} is {owner}'s"
    if participant in certifier.descent.enrollers:
        return f"Nobody certifies who enrolled them, and {participant} enrolled you"
    if owner in certifier.descent.enrollers:
        return f"Nobody certifies what belongs to who enrolled them, and {owner} enrolled you"
    return ""


def granted(
    request: CertificationRequest, *, certification_id: str, granted_by: str, at: datetime
) -> Certification:
    """A new certification, as ``request`` asks for it; ValueError for an unknown method."""
    CERTIFICATIONS.apply(None, CertificationVerb.GRANT, Actor.CERTIFIER)
    return Certification(
        certification_id=certification_id,
        participant_id=request.participant_id,
        capability=request.capability,
        method=Method(request.method),
        evidence=request.evidence,
        coverage=request.coverage,
        granted_by=granted_by,
        granted_at=at,
        valid_until=request.valid_until or at + DEFAULT_VALIDITY,
    )
