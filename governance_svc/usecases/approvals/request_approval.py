"""Requests a human's approval; requests for the same subject are one (governance: Approvals)."""

from dataclasses import dataclass, replace

from governance_svc.domain.approvals.approval import Approval, ApprovalRequest, requested
from governance_svc.domain.approvals.events import requested_event
from governance_svc.domain.approvals.validation import check_request
from governance_svc.domain.ports import Unit, Units
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import Unavailable
from phoenix_runtime.core.ids import NewId
from phoenix_runtime.core.principal import Call, Principal
from phoenix_runtime.core.receipt import Receipt

ATTEMPTS = 3
"""Where a concurrent request was faster, the next attempt finds its approval."""


@dataclass(frozen=True, slots=True)
class ApprovalResult:
    """The approval, with the proof that its newest step is on record."""

    approval: Approval
    receipt: Receipt


def with_asker(request: ApprovalRequest, asker: Principal) -> ApprovalRequest:
    """The request with the credential of the participant whose call it is among those barred.

    It may be another one than the participant registered with.
    """
    held = asker.descent.credential if asker.participant else ""
    if not held or held in request.barred_credentials:
        return request
    return replace(request, barred_credentials=(*request.barred_credentials, held))


class _RoundExists(Exception):
    """A concurrent request for the same subject was faster."""


class RequestApproval:
    """Idempotent by (task, action, subject hash); a refusal is remembered for them."""

    def __init__(self, units: Units, clock: Clock, new_id: NewId) -> None:
        self._units = units
        self._clock = clock
        self._new_id = new_id

    async def __call__(self, call: Call, request: ApprovalRequest) -> ApprovalResult:
        """The approval of the subject, a new or a former one; raises `FieldInvalid`, `TooLarge`."""
        request = with_asker(request, call.principal)
        check_request(request, self._clock.now())
        for _ in range(ATTEMPTS):
            try:
                async with self._units(call.about(request.correlation_id)) as unit:
                    return await self._request(unit, call, request)
            except _RoundExists:
                continue
        raise Unavailable("Too many concurrent requests for the same approval")

    async def _request(self, unit: Unit, call: Call, request: ApprovalRequest) -> ApprovalResult:
        """The former approval that settles the request, where there is one; else a new one."""
        last = await unit.last_round(request.task_id, request.action, request.subject_hash)
        if last is not None and last.settles(request.supersedes):
            return ApprovalResult(last, Receipt(last.request_event_id, last.correlation_id, 1))
        approval = requested(
            request,
            last,
            approval_id=self._new_id("approval"),
            requested_by=request.proposed_by or call.actor,
            at=self._clock.now(),
        )
        receipt = await unit.audit(requested_event(approval, request.supersedes))
        approval = approval.recorded(receipt.audit_event_id)
        if not await unit.add_approval(approval):
            raise _RoundExists
        return ApprovalResult(approval, receipt)
