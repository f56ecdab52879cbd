"""What humans were asked and what their yes was used for, as rows."""

from sqlalchemy import select

from assignment_svc.domain.approval import Approval, Authorization
from assignment_svc.store.records import Record
from assignment_svc.store.rows import Rows
from assignment_svc.store.tables import approvals, authorizations

APPROVALS = Record(Approval)
AUTHORIZATIONS = Record(Authorization)


class ApprovalTables(Rows):
    """Approvals and authorizations of the unit's tenant."""

    async def keep_approval(self, approval: Approval) -> None:
        """Write or replace one question and its answer; that ends any claim."""
        await self._put(approvals, APPROVALS.row(approval) | {"claimed_until": None})

    async def find_approval(self, approval_id: str) -> Approval | None:
        """One remembered question."""
        mine = self._mine(approvals, approval_id=approval_id)
        row = await self._first(select(approvals).where(mine))
        return APPROVALS.value(row) if row is not None else None

    async def approvals_of(self, task_id: str) -> tuple[Approval, ...]:
        """Everything that humans were asked about a task, oldest first."""
        statement = (
            select(approvals)
            .where(self._mine(approvals, task_id=task_id))
            .order_by(approvals.c.requested_at, approvals.c.approval_id)
        )
        return tuple(APPROVALS.value(row) for row in await self._all(statement))

    async def find_authorization(
        self, task_id: str, action: str, subject_hash: str
    ) -> Authorization | None:
        """The one leave that was given for this action and content."""
        mine = self._mine(authorizations, task_id=task_id, action=action, subject_hash=subject_hash)
        row = await self._first(select(authorizations).where(mine))
        return AUTHORIZATIONS.value(row) if row is not None else None

    async def keep_authorization(self, authorization: Authorization) -> None:
        """Write a leave, or who was answered last."""
        await self._put(authorizations, AUTHORIZATIONS.row(authorization))

    async def authorizations_of(self, task_id: str) -> tuple[Authorization, ...]:
        """Every leave that was given for a task."""
        statement = (
            select(authorizations)
            .where(self._mine(authorizations, task_id=task_id))
            .order_by(authorizations.c.at, authorizations.c.authorization_id)
        )
        return tuple(AUTHORIZATIONS.value(row) for row in await self._all(statement))
