"""Lists approvals."""

from governance_svc.domain.approvals.approval import Approval
from governance_svc.domain.ports import Units
from governance_svc.domain.rows import ApprovalFilter
from phoenix_runtime.core.pages import Page, PageRequest
from phoenix_runtime.core.principal import Call


class ListApprovals:
    """Lists the approvals of the caller's tenant, newest first."""

    def __init__(self, units: Units) -> None:
        self._units = units

    async def __call__(
        self, call: Call, wanted: ApprovalFilter, page: PageRequest
    ) -> Page[Approval]:
        """A page."""
        async with self._units.reading(call) as unit:
            return await unit.list_approvals(wanted, page)
