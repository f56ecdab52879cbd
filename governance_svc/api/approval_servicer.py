"""Serves ApprovalService: converts between messages and the use cases, and decides nothing."""

from dataclasses import dataclass
from typing import Any

from grpc.aio import ServicerContext

from governance_svc.api.convert_approval import (
    approval_filter_from_pb,
    approvals_to_pb,
    cancelled_to_pb,
    decided_to_pb,
    decision_from_pb,
    found_to_pb,
    request_from_pb,
    requested_to_pb,
)
from governance_svc.domain.approvals.approval import Approval
from governance_svc.usecases.approvals.cancel_approval import CancelApproval
from governance_svc.usecases.approvals.decide_approval import DecideApproval
from governance_svc.usecases.approvals.get_approval import GetApproval
from governance_svc.usecases.approvals.list_approvals import ListApprovals
from governance_svc.usecases.approvals.request_approval import ApprovalResult, RequestApproval
from phoenix_dma.v1 import approval_pb2, approval_pb2_grpc
from phoenix_runtime.chassis.rpc.conversions import page_from_pb
from phoenix_runtime.chassis.rpc.handler import RpcHandler
from phoenix_runtime.core.pages import Page
from phoenix_runtime.core.principal import Call


@dataclass(frozen=True, slots=True)
class ApprovalUseCases:
    """The use cases behind the servicer."""

    request: RequestApproval
    cancel: CancelApproval
    decide: DecideApproval
    get: GetApproval
    list: ListApprovals


class ApprovalServicer(approval_pb2_grpc.ApprovalServiceServicer):
    """The five RPCs. A request is known by its subject, so only deciding remembers its answer."""

    def __init__(self, handler: RpcHandler, use_cases: ApprovalUseCases) -> None:
        self._handler = handler
        self._use_cases = use_cases

    async def RequestApproval(  # noqa: N802  # the schema's name
        self, request: approval_pb2.RequestApprovalRequest, context: ServicerContext[Any, Any]
    ) -> approval_pb2.RequestApprovalResponse:
        """Requests a human's approval."""

        async def run(call: Call) -> ApprovalResult:
            return await self._use_cases.request(call, request_from_pb(request))

        return await self._handler.read(run=run, answer=requested_to_pb)

    async def CancelApproval(  # noqa: N802  # the schema's name
        self, request: approval_pb2.CancelApprovalRequest, context: ServicerContext[Any, Any]
    ) -> approval_pb2.CancelApprovalResponse:
        """Cancels an approval."""
        return await self._handler.read(
            run=lambda call: self._use_cases.cancel(call, request.approval_id, request.reason),
            answer=cancelled_to_pb,
        )

    async def DecideApproval(  # noqa: N802  # the schema's name
        self, request: approval_pb2.DecideApprovalRequest, context: ServicerContext[Any, Any]
    ) -> approval_pb2.DecideApprovalResponse:
        """Records a human's decision."""
        return await self._handler.mutate(
            request,
            run=lambda call: self._use_cases.decide(call, decision_from_pb(request)),
            answer=decided_to_pb,
            about=lambda call: self._use_cases.decide.attempted(call, request.approval_id),
        )

    async def GetApproval(  # noqa: N802  # the schema's name
        self, request: approval_pb2.GetApprovalRequest, context: ServicerContext[Any, Any]
    ) -> approval_pb2.GetApprovalResponse:
        """Reads one approval."""
        return await self._handler.read(
            run=lambda call: self._use_cases.get(call, request.approval_id), answer=found_to_pb
        )

    async def ListApprovals(  # noqa: N802  # the schema's name
        self, request: approval_pb2.ListApprovalsRequest, context: ServicerContext[Any, Any]
    ) -> approval_pb2.ListApprovalsResponse:
        """Lists approvals, newest first."""

        async def run(call: Call) -> Page[Approval]:
            wanted = approval_filter_from_pb(request)
            statuses = sorted(status.value for status in wanted.statuses)
            filters = {"approvals": statuses, "task_id": wanted.task_id}
            return await self._use_cases.list(call, wanted, page_from_pb(request, filters))

        return await self._handler.read(run=run, answer=approvals_to_pb)
