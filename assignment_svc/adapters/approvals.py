"""Calls the approvals of governance over gRPC."""

from collections.abc import Collection, Mapping
from typing import Any

from assignment_svc.domain.approval import ApprovalAnswer, ApprovalQuestion
from assignment_svc.domain.states import ApprovalState
from phoenix_dma.v1 import approval_pb2, approval_pb2_grpc
from phoenix_runtime.chassis.rpc.channels import Channels
from phoenix_runtime.chassis.rpc.conversions import enum_from, time_from_pb
from phoenix_runtime.chassis.rpc.structs import json_to_struct
from phoenix_runtime.core.errors import ContextHashMismatch
from phoenix_runtime.core.json import content_hash
from phoenix_runtime.core.principal import Call

SERVICE = "governance"


class GrpcApprovals:
    """Implements `domain.ports.ApprovalService`; raises governance's refusals and `Unavailable`."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels
        self._stub: Any = approval_pb2_grpc.ApprovalServiceStub(channels.channel(SERVICE))

    async def request(self, call: Call, question: ApprovalQuestion) -> ApprovalAnswer:
        """Ask a human; raises `ContextHashMismatch` where governance hashed other content."""
        request = approval_pb2.RequestApprovalRequest(
            task_id=question.task_id,
            action=question.action,
            subject=json_to_struct(question.subject),
            approvers=question.approvers,
            barred=question.barred,
            barred_owners=question.barred_owners,
            barred_credentials=question.barred_credentials,
            policy_decision_id=question.decision_id,
            correlation_id=question.correlation_id,
            proposed_by=question.proposed_by,
            supersedes=question.supersedes,
        )
        answer = await self._channels.ask(call, self._stub.RequestApproval, request)
        asked = content_hash(question.subject)
        if answer.approval.subject_hash != asked:
            raise ContextHashMismatch(expected=asked, received=answer.approval.subject_hash)
        return _answer(answer.approval)

    async def read(self, call: Call, approval_id: str) -> ApprovalAnswer:
        """Read the answer to a question; raises `NotFound`."""
        request = approval_pb2.GetApprovalRequest(approval_id=approval_id)
        answer = await self._channels.ask(call, self._stub.GetApproval, request)
        return _answer(answer.approval)

    async def read_all(
        self, call: Call, approval_ids: Collection[str]
    ) -> Mapping[str, ApprovalAnswer]:
        """Read the answers to questions; one call, more only where their contents are large."""
        found: dict[str, ApprovalAnswer] = {}
        request = approval_pb2.ListApprovalsRequest(approval_ids=sorted(approval_ids))
        while True:
            page = await self._channels.ask(call, self._stub.ListApprovals, request)
            found |= {one.approval_id: _answer(one) for one in page.approvals}
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def cancel(self, call: Call, approval_id: str, reason: str) -> None:
        """Withdraw a question; one that is decided does not change."""
        request = approval_pb2.CancelApprovalRequest(approval_id=approval_id, reason=reason)
        await self._channels.ask(call, self._stub.CancelApproval, request)


def _answer(approval: approval_pb2.Approval) -> ApprovalAnswer:
    state = enum_from(
        ApprovalState, approval_pb2.ApprovalStatus, approval.status, ApprovalState.PENDING
    )
    return ApprovalAnswer(
        approval_id=approval.approval_id,
        state=state,
        subject_hash=approval.subject_hash,
        decided_by=approval.decided_by,
        decider_credentials=tuple(approval.decider_credentials),
        decider_enrollers=tuple(approval.decider_enrollers),
        comment=approval.comment,
        decided_at=time_from_pb(approval, "decide_time"),
    )
