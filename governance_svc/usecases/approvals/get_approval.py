"""Reads one approval."""

from governance_svc.domain.approvals.approval import Approval
from governance_svc.domain.ports import Units
from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.principal import Call


class GetApproval:
    """Reads an approval of the caller's tenant."""

    def __init__(self, units: Units) -> None:
        self._units = units

    async def __call__(self, call: Call, approval_id: str) -> Approval:
        """Raises `NotFound`."""
        async with self._units.reading(call) as unit:
            approval = await unit.find_approval(approval_id)
        if approval is None:
            raise NotFound("approval", approval_id)
        return approval
