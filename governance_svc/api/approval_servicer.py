"""ApprovalService on the wire: translates, decides nothing."""

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
    question_from_pb,
    requested_to_pb,
)
from governance_svc.domain.approvals.approval import Approval
from governance_svc.usecases.approvals.cancel_approval import CancelApproval
from governance_svc.usecases.approvals.decide_approval import DecideApproval
from governance_svc.usecases.approvals.read_approvals import GetApproval, ListApprovals
from governance_svc.usecases.approvals.request_approval import Asked, RequestApproval
from phoenix_dma.v1 import approval_pb2, approval_pb2_grpc
from phoenix_runtime.chassis.rpc.handler import RpcHandler
from phoenix_runtime.core.pages import Page
from phoenix_runtime.core.principal import Call


@dataclass(frozen=True, slots=True)
class ApprovalVerbs:
    """The use cases behind the servicer."""

    request: RequestApproval
    cancel: CancelApproval
    decide: DecideApproval
    get: GetApproval
    list: ListApprovals


class ApprovalServicer(approval_pb2_grpc.ApprovalServiceServicer):
    """The five RPCs. A question is known by its subject, so only deciding keeps its answer."""

    def __init__(self, handler: RpcHandler, verbs: ApprovalVerbs) -> None:
        self._front = handler
        self._verbs = verbs

    async def RequestApproval(  # noqa: N802  # the schema's name
        self, request: approval_pb2.RequestApprovalRequest, context: ServicerContext[Any, Any]
    ) -> approval_pb2.RequestApprovalResponse:
        """Asks a human."""

        async def run(call: Call) -> Asked:
            return await self._verbs.request(call, question_from_pb(request))

        return await self._front.read(run=run, answer=requested_to_pb)

    async def CancelApproval(  # noqa: N802  # the schema's name
        self, request: approval_pb2.CancelApprovalRequest, context: ServicerContext[Any, Any]
    ) -> approval_pb2.CancelApprovalResponse:
        """Withdraws a question."""
        return await self._front.read(
            run=lambda call: self._verbs.cancel(call, request.approval_id, request.reason),
            answer=cancelled_to_pb,
        )

    async def DecideApproval(  # noqa: N802  # the schema's name
        self, request: approval_pb2.DecideApprovalRequest, context: ServicerContext[Any, Any]
    ) -> approval_pb2.DecideApprovalResponse:
        """A human says yes or no."""
        return await self._front.mutate(
            request,
            run=lambda call: self._verbs.decide(call, decision_from_pb(request)),
            answer=decided_to_pb,
        )

    async def GetApproval(  # noqa: N802  # the schema's name
        self, request: approval_pb2.GetApprovalRequest, context: ServicerContext[Any, Any]
    ) -> approval_pb2.GetApprovalResponse:
        """One approval."""
        return await self._front.read(
            run=lambda call: self._verbs.get(call, request.approval_id), answer=found_to_pb
        )

    async def ListApprovals(  # noqa: N802  # the schema's name
        self, request: approval_pb2.ListApprovalsRequest, context: ServicerContext[Any, Any]
    ) -> approval_pb2.ListApprovalsResponse:
        """Approvals, newest first."""

        async def run(call: Call) -> Page[Approval]:
            wanted = approval_filter_from_pb(request)
            return await self._verbs.list(call, wanted, request.page_size, request.page_token)

        return await self._front.read(run=run, answer=approvals_to_pb)
