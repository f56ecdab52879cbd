"""The approval's lifecycle as data (lifecycles: Approval)."""

from enum import StrEnum

from phoenix_runtime.core.lifecycle import Lifecycle, transition


class ApprovalStatus(StrEnum):
    """Where a question to a human stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def refuses(self) -> bool:
        """True where the answer is a no that is remembered for the subject."""
        return self in {ApprovalStatus.REJECTED, ApprovalStatus.EXPIRED}


APPROVALS: Lifecycle[ApprovalStatus, str] = Lifecycle(
    "approval",
    [
        transition("request", [None], ApprovalStatus.PENDING, ["service"]),
        transition("approve", [ApprovalStatus.PENDING], ApprovalStatus.APPROVED, ["human"]),
        transition("reject", [ApprovalStatus.PENDING], ApprovalStatus.REJECTED, ["human"]),
        transition("expire", [ApprovalStatus.PENDING], ApprovalStatus.EXPIRED, ["expiry_worker"]),
        transition("cancel", [ApprovalStatus.PENDING], ApprovalStatus.CANCELLED, ["service"]),
    ],
    ends=[
        ApprovalStatus.APPROVED,
        ApprovalStatus.REJECTED,
        ApprovalStatus.EXPIRED,
        ApprovalStatus.CANCELLED,
    ],
)
"""Nobody but a human says yes or no; silence becomes a no by the expiry worker alone."""
