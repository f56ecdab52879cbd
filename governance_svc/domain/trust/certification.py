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
from phoenix_runtime.core import conflict_of_interest
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
class CertifiedParty:
    """Whom a certification is about, as far as the ledger tells; empty where it does not.

    ``credentials`` are the enrolments with which the participant and its owner take part.
    """

    participant: str
    owner: str = ""
    credentials: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """The participant and its owner."""
        return frozenset({self.participant, self.owner} - {""})


@dataclass(frozen=True, slots=True)
class Certification:
    """A participant's certification for a capability, or for its owner where that is empty.

    ``coverage`` is in (0, 1]. ``version`` is that of its aggregate: 1 when granted, 2 when
    revoked. ``event_id`` names the audit event that granted it, so that trust can cite it. The
    descent of whoever granted it is kept with it.
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
    granter_credentials: tuple[str, ...] = ()
    granter_enrollers: tuple[str, ...] = ()

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

    def counts_for(self, party: CertifiedParty) -> bool:
        """Whether it is evidence on ``party``: nobody vouches for their own.

        Looked at when it is used, too: it may have been granted before the participant came.
        """
        by = {self.granted_by, *self.granter_enrollers}
        return by.isdisjoint(party.names) and not set(self.granter_credentials) & set(
            party.credentials
        )

    def recorded(self, event_id: str) -> "Certification":
        """The certification whose grant was audited by ``event_id``."""
        return replace(self, event_id=event_id)

    def revoked(self, at: datetime) -> "Certification":
        """Revoked at ``at``; raises `IllegalTransition` where it is revoked already."""
        CERTIFICATIONS.apply(self.status, CertificationVerb.REVOKE, Actor.CERTIFIER)
        return replace(self, revoked_at=at, version=self.version + 1)


def own_because(party: CertifiedParty, certifier: Principal) -> str:
    """Why ``certifier`` may not certify ``party``, whatever its role; empty where it may.

    By names; what credentials say of it is `same_hand_because`.
    """
    return conflict_of_interest.own_because(certifier, "certifies", party.participant, party.owner)


def same_hand_because(party: CertifiedParty, certifier: Principal) -> str:
    """Why the credential of ``certifier`` bars it; empty where it does not.

    Names differ where one enrolment can be several people: two who share one would certify each
    other's participants.
    """
    through = certifier.descent.shared_with(party.credentials)
    if not through:
        return ""
    how = "hold" if through == certifier.descent.credential else "were enrolled through"
    whose = certifier.descent.subject_of(through)
    return (
        f"Nobody certifies by a credential of their own, and you {how} an enrolment of {whose} "
        f"({through}), with which {party.participant} or its owner takes part"
    )


def granted(
    request: CertificationRequest, *, certification_id: str, granted_by: Principal, at: datetime
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
        granted_by=granted_by.subject,
        granted_at=at,
        valid_until=request.valid_until or at + DEFAULT_VALIDITY,
        granter_credentials=granted_by.descent.credentials,
        granter_enrollers=granted_by.descent.enrollers,
    )
