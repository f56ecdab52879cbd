"""The audit events of an approval; they carry the task's correlation id and show in its lineage."""

from governance_svc.domain.approvals.approval import Approval
from governance_svc.domain.lifecycle import ApprovalStatus
from phoenix_runtime.core.documents import time_text
from phoenix_runtime.core.events import AuditDraft, AuditEventType, ReasonCode
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.verdict import Verdict

EVENTS = {
    ApprovalStatus.PENDING: AuditEventType.APPROVAL_REQUESTED,
    ApprovalStatus.APPROVED: AuditEventType.APPROVAL_DECIDED,
    ApprovalStatus.REJECTED: AuditEventType.APPROVAL_DECIDED,
    ApprovalStatus.EXPIRED: AuditEventType.APPROVAL_EXPIRED,
    ApprovalStatus.CANCELLED: AuditEventType.APPROVAL_CANCELLED,
}
"""What is audited when an approval reaches a state."""

REASONS = {
    ApprovalStatus.PENDING: ReasonCode.APPROVAL_REQUIRED,
    ApprovalStatus.APPROVED: ReasonCode.APPROVAL_GRANTED,
    ApprovalStatus.REJECTED: ReasonCode.APPROVAL_REFUSED,
    ApprovalStatus.EXPIRED: ReasonCode.APPROVAL_EXPIRED,
    ApprovalStatus.CANCELLED: ReasonCode.SUBJECT_GONE,
}


def approval_event(
    approval: Approval, previous: ApprovalStatus | None, verdict: Verdict | None = None
) -> AuditDraft:
    """What is audited of ``approval`` that has just left ``previous`` (None: it is new).

    The participant is whoever proposed the subject: its proposals are what humans review.
    """
    question = approval.question
    return AuditDraft(
        type=EVENTS[approval.status],
        aggregate=approval.aggregate,
        aggregate_version=approval.version,
        participant=question.proposed_by,
        task=question.task_id,
        handoff=_text(question.subject.get("handoff_id")),
        reason_code=REASONS[approval.status],
        previous_state="" if previous is None else previous.value,
        new_state=approval.status.value,
        verdict=verdict,
        input_references=(question.subject_hash,),
        correlation_id=question.correlation_id,
        detail=_asked(approval) if previous is None else _ended(approval),
    )


def _asked(approval: Approval) -> dict[str, Json]:
    question = approval.question
    return {
        **_subject(approval),
        "approvers": list(question.approvers),
        "barred": list(question.barred),
        "barred_owners": list(question.barred_owners),
        "policy_decision_id": question.policy_decision_id,
        "expire_time": time_text(approval.expire_time),
        "round": approval.round,
        "supersedes": question.supersedes,
    }


def _ended(approval: Approval) -> dict[str, Json]:
    return {
        **_subject(approval),
        "approvers": list(approval.question.approvers),
        "decided_by": approval.decided_by,
        "comment": approval.comment,
    }


def _subject(approval: Approval) -> dict[str, Json]:
    question = approval.question
    return {
        "approval_id": approval.approval_id,
        "action": question.action,
        "subject_hash": question.subject_hash,
    }


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
