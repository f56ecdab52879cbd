"""Approvals as rows."""

from dataclasses import replace
from typing import Final

from prometheus_client import Histogram
from sqlalchemy import bindparam, select

from governance_svc.domain.approvals.approval import Approval
from governance_svc.domain.lifecycle import ApprovalStatus
from governance_svc.domain.rows import ApprovalFilter
from governance_svc.store.tables import approvals
from phoenix_runtime.chassis.data.database_errors import TransactionConflict
from phoenix_runtime.chassis.data.mapper import JSON_TEXT, RowMapper
from phoenix_runtime.chassis.data.paging import newest_first, page_of
from phoenix_runtime.chassis.data.rows import TenantRows
from phoenix_runtime.core.pages import Page, PageRequest

CYCLE: Final = Histogram(
    "phoenix_dma_approval_cycle_seconds",
    "From an approval's request to its end",
    ["status"],
    buckets=(1, 10, 60, 300, 900, 3600, 14400, 86400, 604800),
)

MAPPER: Final = RowMapper(Approval, codecs={"subject": JSON_TEXT})

LARGEST_PAGE: Final = 32
"""Approvals that are read at once: each may show 256 KiB, and a page ends at 2 MiB anyway."""

LAST_ROUND: Final = (
    select(approvals)
    .where(
        approvals.c.tenant == bindparam("tenant"),
        approvals.c.task_id == bindparam("task_id"),
        approvals.c.action == bindparam("action"),
        approvals.c.subject_hash == bindparam("subject_hash"),
    )
    .order_by(approvals.c.round.desc())
    .limit(1)
)


class ApprovalTable(TenantRows):
    """Implements `domain.rows.Approvals`."""

    async def find_approval(self, approval_id: str) -> Approval | None:
        """One approval, as last committed."""
        row = await self._find(approvals, approval_id=approval_id)
        return None if row is None else MAPPER.value(row)

    async def lock_approval(self, approval_id: str) -> Approval | None:
        """One approval, locked until the end of the unit."""
        row = await self._find(approvals, lock=True, approval_id=approval_id)
        return None if row is None else MAPPER.value(row)

    async def last_round(self, task_id: str, action: str, subject_hash: str) -> Approval | None:
        """The approval of the last round about one subject."""
        subject = {"task_id": task_id, "action": action, "subject_hash": subject_hash}
        row = await self._first(LAST_ROUND, {"tenant": self.tenant, **subject})
        return None if row is None else MAPPER.value(row)

    async def list_approvals(self, wanted: ApprovalFilter, page: PageRequest) -> Page[Approval]:
        """Approvals, newest first, at most `LARGEST_PAGE` of them."""
        page = replace(page, size=min(page.size, LARGEST_PAGE))
        statement = select(approvals).where(self._matching(approvals))
        if wanted.statuses:
            statuses = [status.value for status in wanted.statuses]
            statement = statement.where(approvals.c.status.in_(statuses))
        if wanted.task_id:
            statement = statement.where(approvals.c.task_id == wanted.task_id)
        if wanted.approval_ids:
            statement = statement.where(approvals.c.approval_id.in_(wanted.approval_ids))
        keys = (approvals.c.created_at, approvals.c.approval_id)
        rows = await self._all(newest_first(statement, keys, page))
        return page_of(
            [MAPPER.value(row) for row in rows],
            page,
            lambda one: (one.created_at, one.approval_id),
            await self._total(statement, page),
        )

    async def add_approval(self, approval: Approval) -> bool:
        """Insert an approval; False where that round of the subject exists already."""
        return await self._insert_if_absent(approvals, MAPPER.row(approval))

    async def end_approval(self, approval: Approval) -> None:
        """Record the end of a pending approval; raises `TransactionConflict` where it had ended."""
        row = MAPPER.row(approval)
        key = {"approval_id": row.pop("approval_id"), "status": ApprovalStatus.PENDING.value}
        if not await self._update_where(approvals, key, row):
            raise TransactionConflict("The approval ended in another transaction")
        if approval.decided_at is not None:
            pending = approval.decided_at - approval.created_at
            CYCLE.labels(approval.status.value).observe(pending.total_seconds())
