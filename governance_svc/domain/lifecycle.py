"""The lifecycles of approvals and certifications as data (lifecycles: Approval)."""

from enum import StrEnum

from phoenix_runtime.core.lifecycle import Lifecycle, transition


class ApprovalStatus(StrEnum):
    """The states of an approval."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def refuses(self) -> bool:
        """True where the answer is a refusal, which is remembered for the subject."""
        return self in {ApprovalStatus.REJECTED, ApprovalStatus.EXPIRED}


class ApprovalVerb(StrEnum):
    """The steps of an approval."""

    REQUEST = "request"
    APPROVE = "approve"
    REJECT = "reject"
    EXPIRE = "expire"
    CANCEL = "cancel"


class CertificationStatus(StrEnum):
    """The states of a certification; the end of its validity is not a transition."""

    GRANTED = "granted"
    REVOKED = "revoked"


class CertificationVerb(StrEnum):
    """The steps of a certification."""

    GRANT = "grant"
    REVOKE = "revoke"


class Actor(StrEnum):
    """Who takes a step."""

    SERVICE = "service"
    HUMAN = "human"
    EXPIRY_WORKER = "expiry_worker"
    CERTIFIER = "certifier"
    """An operator or a reviewer, never the participant itself."""


_PENDING = (ApprovalStatus.PENDING,)

APPROVALS: Lifecycle[ApprovalStatus, ApprovalVerb] = Lifecycle(
    "approval",
    [
        transition(ApprovalVerb.REQUEST, [None], ApprovalStatus.PENDING, [Actor.SERVICE]),
        transition(ApprovalVerb.APPROVE, _PENDING, ApprovalStatus.APPROVED, [Actor.HUMAN]),
        transition(ApprovalVerb.REJECT, _PENDING, ApprovalStatus.REJECTED, [Actor.HUMAN]),
        transition(ApprovalVerb.EXPIRE, _PENDING, ApprovalStatus.EXPIRED, [Actor.EXPIRY_WORKER]),
        transition(ApprovalVerb.CANCEL, _PENDING, ApprovalStatus.CANCELLED, [Actor.SERVICE]),
    ],
    ends=[
        ApprovalStatus.APPROVED,
        ApprovalStatus.REJECTED,
        ApprovalStatus.EXPIRED,
        ApprovalStatus.CANCELLED,
    ],
)
"""Only a human approves or rejects; only the expiry worker turns silence into a refusal."""

CERTIFICATIONS: Lifecycle[CertificationStatus, CertificationVerb] = Lifecycle(
    "certification",
    [
        transition(CertificationVerb.GRANT, [None], CertificationStatus.GRANTED, [Actor.CERTIFIER]),
        transition(
            CertificationVerb.REVOKE,
            [CertificationStatus.GRANTED],
            CertificationStatus.REVOKED,
            [Actor.CERTIFIER],
        ),
    ],
    ends=[CertificationStatus.REVOKED],
)
"""A certification whose validity has ended can still be revoked."""
