"""Stores approvals (questions to humans) and the authorizations that they led to."""

from assignment_svc.domain.approval import Approval, Authorization
from assignment_svc.store.due import DueKind
from assignment_svc.store.related import Related, RelatedTable
from assignment_svc.store.tables import approvals, authorizations
from phoenix_runtime.chassis.data.mapper import RowMapper

APPROVALS = RowMapper(Approval)
AUTHORIZATIONS = RowMapper(Authorization)


class ApprovalTable(RelatedTable):
    """Implements `domain.rows.Approvals`."""

    async def save_approval(self, approval: Approval) -> None:
        """Write or replace a question and its answer; that ends any claim. Its task is locked."""
        await self._mark(Related.APPROVALS, approval.task_id)
        await self._upsert(approvals, APPROVALS.row(approval) | {"claimed_until": None})
        self._becomes_due(DueKind.APPROVALS, approval.next_poll_at)

    async def find_approval(self, approval_id: str) -> Approval | None:
        """The question with this id; None where there is none."""
        row = await self._find(approvals, approval_id=approval_id)
        return APPROVALS.value(row) if row is not None else None

    async def approvals_of(self, task_id: str) -> tuple[Approval, ...]:
        """Every question about a task, oldest first."""
        if not self._may_have(Related.APPROVALS, [task_id]):
            return ()
        rows = await self._find_all(approvals, ["requested_at", "approval_id"], task_id=task_id)
        return tuple(APPROVALS.value(row) for row in rows)

    async def find_authorization(
        self, task_id: str, action: str, subject_hash: str
    ) -> Authorization | None:
        """The authorization of this action and content; None where there is none."""
        row = await self._find(
            authorizations, task_id=task_id, action=action, subject_hash=subject_hash
        )
        return AUTHORIZATIONS.value(row) if row is not None else None

    async def save_authorization(self, authorization: Authorization) -> None:
        """Write or replace an authorization, which names the last answer."""
        await self._upsert(authorizations, AUTHORIZATIONS.row(authorization))

    async def authorizations_of(self, task_id: str) -> tuple[Authorization, ...]:
        """Every authorization of a task, oldest first."""
        rows = await self._find_all(
            authorizations, ["authorized_at", "authorization_id"], task_id=task_id
        )
        return tuple(AUTHORIZATIONS.value(row) for row in rows)
