"""Between approval messages and the values of the domain."""

from governance_svc.domain.approvals.approval import Approval, Question
from governance_svc.domain.lifecycle import ApprovalStatus
from governance_svc.domain.ports import ApprovalFilter
from governance_svc.usecases.approvals.decide_approval import Decision
from governance_svc.usecases.approvals.request_approval import Asked
from phoenix_dma.v1 import approval_pb2
from phoenix_runtime.chassis.rpc.conversions import (
    json_to_struct,
    number,
    receipt_to_pb,
    short,
    struct_to_json,
    time_from_pb,
    time_to_pb,
)
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.json import NotCanonical, content_hash
from phoenix_runtime.core.pages import Page


def question_from_pb(request: approval_pb2.RequestApprovalRequest) -> Question:
    """What is asked; the subject hash is that of the subject's canonical form."""
    subject = struct_to_json(request.subject, "subject")
    try:
        subject_hash = content_hash(subject)
    except NotCanonical as error:
        raise FieldInvalid([Violation("subject", str(error))]) from error
    return Question(
        task_id=request.task_id,
        action=request.action,
        subject=subject,
        subject_hash=subject_hash,
        correlation_id=request.correlation_id,
        approvers=tuple(request.approvers),
        barred=tuple(request.barred),
        barred_owners=tuple(request.barred_owners),
        policy_decision_id=request.policy_decision_id,
        proposed_by=request.proposed_by,
        expire_time=time_from_pb(request, "expire_time"),
        supersedes=request.supersedes,
    )


def decision_from_pb(request: approval_pb2.DecideApprovalRequest) -> Decision:
    """What the human says."""
    return Decision(
        approval_id=request.approval_id,
        approve=request.approve,
        comment=request.comment,
        subject_hash=request.subject_hash,
    )


def approval_filter_from_pb(request: approval_pb2.ListApprovalsRequest) -> ApprovalFilter:
    """Which approvals are listed; the unspecified state asks for nothing."""
    names = (short(approval_pb2.ApprovalStatus, value) for value in request.statuses)
    statuses = tuple(ApprovalStatus(name) for name in dict.fromkeys(names) if name)
    return ApprovalFilter(statuses, request.task_id)


def requested_to_pb(asked: Asked) -> approval_pb2.RequestApprovalResponse:
    """The question."""
    return approval_pb2.RequestApprovalResponse(
        approval=approval_to_pb(asked.approval), receipt=receipt_to_pb(asked.receipt)
    )


def cancelled_to_pb(asked: Asked) -> approval_pb2.CancelApprovalResponse:
    """The withdrawn question."""
    return approval_pb2.CancelApprovalResponse(
        approval=approval_to_pb(asked.approval), receipt=receipt_to_pb(asked.receipt)
    )


def decided_to_pb(asked: Asked) -> approval_pb2.DecideApprovalResponse:
    """The decided approval."""
    return approval_pb2.DecideApprovalResponse(
        approval=approval_to_pb(asked.approval), receipt=receipt_to_pb(asked.receipt)
    )


def found_to_pb(approval: Approval) -> approval_pb2.GetApprovalResponse:
    """One approval."""
    return approval_pb2.GetApprovalResponse(approval=approval_to_pb(approval))


def approvals_to_pb(page: Page[Approval]) -> approval_pb2.ListApprovalsResponse:
    """A page of approvals."""
    return approval_pb2.ListApprovalsResponse(
        approvals=[approval_to_pb(approval) for approval in page.items],
        next_page_token=page.next_token,
    )


def approval_to_pb(approval: Approval) -> approval_pb2.Approval:
    """A question and its answer."""
    question = approval.question
    return approval_pb2.Approval(
        approval_id=approval.approval_id,
        task_id=question.task_id,
        action=question.action,
        subject_hash=question.subject_hash,
        subject=json_to_struct(question.subject),
        status=number(approval_pb2.ApprovalStatus, approval.status),
        approvers=question.approvers,
        barred=question.barred,
        decided_by=approval.decided_by,
        comment=approval.comment,
        policy_decision_id=question.policy_decision_id,
        deciding_policy_decision_id=approval.deciding_policy_decision_id,
        requested_by=approval.requested_by,
        correlation_id=question.correlation_id,
        create_time=time_to_pb(approval.create_time),
        expire_time=time_to_pb(approval.expire_time),
        decide_time=time_to_pb(approval.decide_time),
    )
