"""Converts between approval messages and the values of the domain."""

from governance_svc.domain.approvals.approval import Approval, ApprovalRequest, Decision
from governance_svc.domain.lifecycle import ApprovalStatus
from governance_svc.domain.rows import ApprovalFilter
from governance_svc.usecases.approvals.request_approval import ApprovalResult
from phoenix_dma.v1 import approval_pb2
from phoenix_runtime.chassis.rpc.conversions import (
    number,
    receipt_to_pb,
    short,
    time_from_pb,
    time_to_pb,
)
from phoenix_runtime.chassis.rpc.pages import page_to_pb
from phoenix_runtime.chassis.rpc.structs import json_to_struct, struct_to_json
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.json import NotCanonical, content_hash
from phoenix_runtime.core.pages import Page

MOST_IDS = 200
"""The most approvals that a request names."""


def request_from_pb(request: approval_pb2.RequestApprovalRequest) -> ApprovalRequest:
    """The request; the subject hash is that of the subject's canonical form."""
    subject = struct_to_json(request.subject, "subject")
    try:
        subject_hash = content_hash(subject)
    except NotCanonical as error:
        raise FieldInvalid([Violation("subject", str(error))]) from error
    return ApprovalRequest(
        task_id=request.task_id,
        action=request.action,
        subject=subject,
        subject_hash=subject_hash,
        correlation_id=request.correlation_id,
        approvers=tuple(request.approvers),
        barred=tuple(request.barred),
        barred_owners=tuple(request.barred_owners),
        barred_credentials=tuple(request.barred_credentials),
        policy_decision_id=request.policy_decision_id,
        proposed_by=request.proposed_by,
        expires_at=time_from_pb(request, "expire_time"),
        supersedes=request.supersedes,
    )


def decision_from_pb(request: approval_pb2.DecideApprovalRequest) -> Decision:
    """The human's decision."""
    return Decision(
        approval_id=request.approval_id,
        approve=request.approve,
        comment=request.comment,
        subject_hash=request.subject_hash,
    )


def approval_filter_from_pb(request: approval_pb2.ListApprovalsRequest) -> ApprovalFilter:
    """Which approvals are listed; the unspecified state does not filter."""
    names = (short(approval_pb2.ApprovalStatus, value) for value in request.statuses)
    statuses = tuple(ApprovalStatus(name) for name in dict.fromkeys(names) if name)
    approval_ids = tuple(request.approval_ids)
    if len(approval_ids) > MOST_IDS:
        text = f"at most {MOST_IDS}, not {len(approval_ids)}"
        raise FieldInvalid([Violation("approval_ids", text)])
    return ApprovalFilter(statuses, request.task_id, approval_ids)


def requested_to_pb(result: ApprovalResult) -> approval_pb2.RequestApprovalResponse:
    """The requested approval."""
    return approval_pb2.RequestApprovalResponse(
        approval=approval_to_pb(result.approval), receipt=receipt_to_pb(result.receipt)
    )


def cancelled_to_pb(result: ApprovalResult) -> approval_pb2.CancelApprovalResponse:
    """The cancelled approval."""
    return approval_pb2.CancelApprovalResponse(
        approval=approval_to_pb(result.approval), receipt=receipt_to_pb(result.receipt)
    )


def decided_to_pb(result: ApprovalResult) -> approval_pb2.DecideApprovalResponse:
    """The decided approval."""
    return approval_pb2.DecideApprovalResponse(
        approval=approval_to_pb(result.approval), receipt=receipt_to_pb(result.receipt)
    )


def found_to_pb(approval: Approval) -> approval_pb2.GetApprovalResponse:
    """One approval."""
    return approval_pb2.GetApprovalResponse(approval=approval_to_pb(approval))


def approvals_to_pb(page: Page[Approval]) -> approval_pb2.ListApprovalsResponse:
    """A page of approvals."""
    made, token = page_to_pb(page, approval_to_pb)
    return approval_pb2.ListApprovalsResponse(
        approvals=made, next_page_token=token, total_size=page.total
    )


def approval_to_pb(approval: Approval) -> approval_pb2.Approval:
    """One approval with its request and its outcome."""
    return approval_pb2.Approval(
        approval_id=approval.approval_id,
        task_id=approval.task_id,
        action=approval.action,
        subject_hash=approval.subject_hash,
        subject=json_to_struct(approval.subject),
        status=number(approval_pb2.ApprovalStatus, approval.status),
        approvers=approval.approvers,
        barred=approval.barred,
        barred_credentials=approval.barred_credentials,
        decided_by=approval.decided_by,
        decider_credentials=approval.decider_credentials,
        decider_enrollers=approval.decider_enrollers,
        comment=approval.comment,
        policy_decision_id=approval.policy_decision_id,
        deciding_policy_decision_id=approval.deciding_policy_decision_id,
        requested_by=approval.requested_by,
        correlation_id=approval.correlation_id,
        create_time=time_to_pb(approval.created_at),
        expire_time=time_to_pb(approval.expires_at),
        decide_time=time_to_pb(approval.decided_at),
    )
