"""Declares the repositories of a unit; `ports.Unit` is all of them together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from governance_svc.domain.approvals.approval import Approval
from governance_svc.domain.ledger.entries import AuditFilter, Entry
from governance_svc.domain.ledger.lineage import Family
from governance_svc.domain.lifecycle import ApprovalStatus
from governance_svc.domain.policy.activation import PolicyActivation, PolicyHead
from governance_svc.domain.policy.overlay import StoredOverlay
from governance_svc.domain.trust.certification import Certification
from governance_svc.domain.trust.projection import TrustProjection
from phoenix_runtime.core.chain import Fault, Head
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.pages import Page, PageRequest


@dataclass(frozen=True, slots=True)
class ApprovalFilter:
    """Which approvals are listed; an empty field does not filter."""

    statuses: tuple[ApprovalStatus, ...] = ()
    task_id: str = ""
    approval_ids: tuple[str, ...] = ()


class Approvals(Protocol):
    """Approvals. A round of a subject is unique, and an approval ends once."""

    async def find_approval(self, approval_id: str) -> Approval | None:
        """One approval, as last committed."""
        ...

    async def lock_approval(self, approval_id: str) -> Approval | None:
        """One approval, locked until the end of the unit."""
        ...

    async def last_round(self, task_id: str, action: str, subject_hash: str) -> Approval | None:
        """The approval of the last round about one subject."""
        ...

    async def list_approvals(self, wanted: ApprovalFilter, page: PageRequest) -> Page[Approval]:
        """Approvals, newest first."""
        ...

    async def add_approval(self, approval: Approval) -> bool:
        """Insert an approval; False where that round of the subject exists already."""
        ...

    async def end_approval(self, approval: Approval) -> None:
        """Record the end of a pending approval; raises `TransactionConflict` where it had ended."""
        ...


class Certifications(Protocol):
    """Certifications."""

    async def lock_certification(self, certification_id: str) -> Certification | None:
        """One certification, locked until the end of the unit."""
        ...

    async def unrevoked_certifications(
        self, participants: Sequence[str]
    ) -> Mapping[str, tuple[Certification, ...]]:
        """The certifications of ``participants`` that are not revoked, oldest first, by holder."""
        ...

    async def list_certifications(
        self, participant_id: str, page: PageRequest
    ) -> Page[Certification]:
        """Certifications of one participant, or of all where empty, newest first."""
        ...

    async def add_certification(self, certification: Certification) -> None:
        """Insert a certification."""
        ...

    async def save_certification(self, certification: Certification) -> None:
        """Write back a locked certification."""
        ...


class PolicyActivations(Protocol):
    """The revisions of the bundle that were activated, in order."""

    async def newest_activation(self) -> PolicyActivation | None:
        """The newest activation."""
        ...

    async def last_activation_of(self, overlay_revision: str) -> PolicyActivation | None:
        """The newest activation of an overlay, None where it never was active."""
        ...

    async def add_activation(self, activation: PolicyActivation) -> None:
        """Insert an activation; raises `TransactionConflict` where another replica was faster."""
        ...


class PolicyOverlays(Protocol):
    """The overlays that were uploaded, and which of them decides."""

    async def find_overlay(self, overlay_revision: str) -> StoredOverlay | None:
        """The newest upload of an overlay."""
        ...

    async def overlay_count(self) -> int:
        """How many overlays were uploaded."""
        ...

    async def list_overlays(self, page: PageRequest) -> Page[StoredOverlay]:
        """Overlays, newest first."""
        ...

    async def add_overlay(self, overlay: StoredOverlay) -> None:
        """Insert an overlay; raises `TransactionConflict` where another call was faster."""
        ...

    async def find_policy_head(self) -> PolicyHead | None:
        """Which overlay decides; None before the first."""
        ...

    async def lock_policy_head(self) -> PolicyHead | None:
        """Which overlay decides, locked until the end of the unit; None before the first."""
        ...

    async def save_policy_head(self, head: PolicyHead) -> None:
        """Write which overlay decides; raises `TransactionConflict` where another was faster."""
        ...


@dataclass(frozen=True, slots=True)
class ProjectionStep:
    """One step of the projection: the participants concerned; ``more`` where entries are left."""

    concerned: tuple[str, ...]
    more: bool


class TrustProjections(Protocol):
    """The evidence on participants, projected from the ledger."""

    async def find_projections(self, participants: Sequence[str]) -> Mapping[str, TrustProjection]:
        """The projections of ``participants``; who has none is left out."""
        ...

    async def projected_sequence(self) -> int:
        """The sequence number up to which the ledger is projected."""
        ...

    async def advance_projections(self, limit: int) -> ProjectionStep | None:
        """Project at most ``limit`` further entries; None where there are none."""
        ...

    async def recompute_projections(self) -> Mapping[str, TrustProjection]:
        """Every projection, computed anew from the whole ledger; nothing is stored."""
        ...


class LedgerEvents(Protocol):
    """The entries of the ledger, to be read; `LedgerWriter` appends them."""

    async def list_entries(self, wanted: AuditFilter, page: PageRequest) -> Page[Entry]:
        """The entries that match ``wanted``, in the order of the ledger."""
        ...

    async def submission_of(self, task: str) -> AuditEvent | None:
        """The TASK_SUBMITTED of a task, or None."""
        ...

    async def submissions(self, correlation_id: str) -> tuple[AuditEvent, ...]:
        """Every TASK_SUBMITTED with that correlation id, oldest first."""
        ...

    async def events_of_task(self, task: str, types: Sequence[str]) -> tuple[AuditEvent, ...]:
        """The events of these types about one task, by version of the task."""
        ...

    async def lineage(self, family: Family, page: PageRequest) -> Page[Entry]:
        """The lineage of a family, oldest first."""
        ...

    async def entries_by_decision(self, decision_id: str) -> tuple[Entry, ...]:
        """The entries that rest on a policy decision, oldest first, a bounded number."""
        ...

    async def ledger_head(self) -> Head:
        """The end of the tenant's chain."""
        ...

    async def verify_ledger(self) -> tuple[Fault, ...]:
        """Recompute every leaf and every link; () where nothing was tampered with (I7)."""
        ...
