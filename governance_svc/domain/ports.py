"""What the use cases need from outside, as they see it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from governance_svc.domain.approvals.approval import Approval
from governance_svc.domain.lifecycle import ApprovalStatus
from governance_svc.domain.trust.certification import Certification
from governance_svc.domain.trust.projection import Folded
from phoenix_runtime.core.events import AuditDraft
from phoenix_runtime.core.pages import Page, PageRequest
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Activation:
    """One revision of the bundle that became active in a tenant; ``version`` counts them."""

    version: int
    revision: str
    activate_time: datetime


class Unit(Protocol):
    """One transaction of governance: all of it is committed, or nothing."""

    async def audit(self, draft: AuditDraft) -> Receipt:
        """Write an audit event with this transaction."""
        ...

    async def remember(self, result: Any) -> None:
        """Store the answer to this request with its effect; called last."""
        ...

    async def approval(self, approval_id: str) -> Approval | None:
        """One approval, locked until the end of the unit."""
        ...

    async def newest_approval(
        self, task_id: str, action: str, subject_hash: str
    ) -> Approval | None:
        """The approval of the last round about one subject."""
        ...

    async def add_approval(self, approval: Approval) -> bool:
        """Add a question; False where somebody was quicker with the same round."""
        ...

    async def end_approval(self, approval: Approval) -> None:
        """Record the end of a pending approval; a decided row never changes again."""
        ...

    async def certification(self, certification_id: str) -> Certification | None:
        """One certification, locked until the end of the unit."""
        ...

    async def add_certification(self, certification: Certification) -> None:
        """Add a certification."""
        ...

    async def revoke_certification(self, certification: Certification) -> None:
        """Record ``revoke_time`` and version."""
        ...

    async def newest_activation(self) -> Activation | None:
        """The revision that became active last, locked against others who would add one."""
        ...

    async def add_activation(self, activation: Activation) -> None:
        """Add an activation; raises `TransactionConflict` where somebody was quicker."""
        ...


class Units(Protocol):
    """Where units come from."""

    def __call__(self, call: Call) -> AbstractAsyncContextManager[Unit]:
        """Open a unit in the call's tenant; it commits when the block ends without an error."""
        ...


@dataclass(frozen=True, slots=True)
class ApprovalFilter:
    """Which approvals are listed; an empty field asks for nothing."""

    statuses: tuple[ApprovalStatus, ...] = ()
    task_id: str = ""


class ApprovalReader(Protocol):
    """Reads approvals."""

    async def read(self, tenant: str, approval_id: str) -> Approval | None:
        """One approval."""
        ...

    async def page(self, tenant: str, wanted: ApprovalFilter, page: PageRequest) -> Page[Approval]:
        """Approvals, newest first."""
        ...


class CertificationReader(Protocol):
    """Reads certifications."""

    async def page(
        self, tenant: str, participant_id: str, page: PageRequest
    ) -> Page[Certification]:
        """Certifications of one participant, or of all where empty, newest first."""
        ...


class ApprovalClaims(Protocol):
    """Claims of pending approvals across tenants, by the worker role."""

    async def due(self, now: datetime, limit: int) -> Sequence[tuple[str, str]]:
        """Claim approvals that nobody decided in time: (tenant, approval id)."""
        ...


class Tenants(Protocol):
    """Which tenants there are."""

    async def known(self) -> Sequence[str]:
        """Every tenant that has a ledger."""
        ...


@dataclass(frozen=True, slots=True)
class Records:
    """What trust in some participants rests on, up to ``as_of_sequence`` of the ledger."""

    as_of_sequence: int
    folded: Mapping[str, Folded]
    certificates: Mapping[str, tuple[Certification, ...]]


@dataclass(frozen=True, slots=True)
class Advance:
    """One step of the projection: whom it concerned, and whether there was more than its limit."""

    concerned: tuple[str, ...]
    more: bool


class TrustRecords(Protocol):
    """The evidence of participants, folded from the ledger, and their certificates."""

    async def read(self, tenant: str, participants: Sequence[str]) -> Records:
        """What is known of ``participants``; of whom nothing is known is left out."""
        ...

    async def recomputed(self, tenant: str) -> Mapping[str, Folded]:
        """The same for everybody, folded anew from the whole ledger."""
        ...

    async def advance(self, tenant: str, limit: int) -> Advance | None:
        """Fold at most ``limit`` further events; None where there was none."""
        ...
