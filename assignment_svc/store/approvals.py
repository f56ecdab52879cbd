"""Stores approvals (questions to humans) and the authorizations that they led to."""

from assignment_svc.domain.approval import Approval, Authorization
from assignment_svc.store.tables import approvals, authorizations
from phoenix_runtime.chassis.data.mapper import RowMapper
from phoenix_runtime.chassis.data.rows import TenantRows

APPROVALS = RowMapper(Approval)
AUTHORIZATIONS = RowMapper(Authorization)


class ApprovalTable(TenantRows):
    """Implements `domain.rows.Approvals`."""

    async def keep_approval(self, approval: Approval) -> None:
        """Write or replace one question and its answer; that ends any claim."""
        await self._upsert(approvals, APPROVALS.row(approval) | {"claimed_until": None})

    async def find_approval(self, approval_id: str) -> Approval | None:
        """One remembered question."""
        row = await self._find(approvals, approval_id=approval_id)
        return APPROVALS.value(row) if row is not None else None

    async def approvals_of(self, task_id: str) -> tuple[Approval, ...]:
        """Everything that humans were asked about a task, oldest first."""
        rows = await self._find_all(approvals, ["requested_at", "approval_id"], task_id=task_id)
        return tuple(APPROVALS.value(row) for row in rows)

    async def find_authorization(
        self, task_id: str, action: str, subject_hash: str
    ) -> Authorization | None:
        """The one leave that was given for this action and content."""
        row = await self._find(
            authorizations, task_id=task_id, action=action, subject_hash=subject_hash
        )
        return AUTHORIZATIONS.value(row) if row is not None else None

    async def keep_authorization(self, authorization: Authorization) -> None:
        """Write a leave, or who was answered last."""
        await self._upsert(authorizations, AUTHORIZATIONS.row(authorization))

    async def authorizations_of(self, task_id: str) -> tuple[Authorization, ...]:
        """Every leave that was given for a task."""
        rows = await self._find_all(
            authorizations, ["authorized_at", "authorization_id"], task_id=task_id
        )
        return tuple(AUTHORIZATIONS.value(row) for row in rows)
