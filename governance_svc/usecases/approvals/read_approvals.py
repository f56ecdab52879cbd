"""Reads approvals, one or a page."""

from governance_svc.domain.approvals.approval import Approval
from governance_svc.domain.ports import ApprovalFilter, ApprovalReader
from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.pages import Page, page_request
from phoenix_runtime.core.principal import Call


class GetApproval:
    """One approval of the caller's tenant."""

    def __init__(self, approvals: ApprovalReader) -> None:
        self._approvals = approvals

    async def __call__(self, call: Call, approval_id: str) -> Approval:
        """Raises `NotFound`."""
        found = await self._approvals.read(call.tenant, approval_id)
        if found is None:
            raise NotFound("approval", approval_id)
        return found


class ListApprovals:
    """Approvals of the caller's tenant, newest first."""

    def __init__(self, approvals: ApprovalReader) -> None:
        self._approvals = approvals

    async def __call__(
        self, call: Call, wanted: ApprovalFilter, page_size: int, page_token: str
    ) -> Page[Approval]:
        """A page; raises `FieldInvalid` for a token of another list."""
        statuses = sorted(status.value for status in wanted.statuses)
        filters = {"approvals": statuses, "task_id": wanted.task_id}
        page = page_request(page_size, page_token, filters)
        return await self._approvals.page(call.tenant, wanted, page)
