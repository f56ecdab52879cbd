"""The audit events of an approval; they carry the task's correlation id."""

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
"""The event type by the state that an approval has reached."""

REASONS = {
    ApprovalStatus.PENDING: ReasonCode.APPROVAL_REQUIRED,
    ApprovalStatus.APPROVED: ReasonCode.APPROVAL_GRANTED,
    ApprovalStatus.REJECTED: ReasonCode.APPROVAL_REFUSED,
    ApprovalStatus.EXPIRED: ReasonCode.APPROVAL_EXPIRED,
    ApprovalStatus.CANCELLED: ReasonCode.SUBJECT_GONE,
}
"""The reason code by the state that an approval has reached."""


def requested_event(approval: Approval, supersedes: str) -> AuditDraft:
    """APPROVAL_REQUESTED for a new approval; ``supersedes`` as its request says."""
    detail: dict[str, Json] = {
        **_subject(approval),
        "approvers": list(approval.approvers),
        "barred": list(approval.barred),
        "barred_owners": list(approval.barred_owners),
        "barred_credentials": list(approval.barred_credentials),
        "policy_decision_id": approval.policy_decision_id,
        "expire_time": time_text(approval.expires_at),
        "round": approval.round,
        "supersedes": supersedes,
    }
    return _event(approval, "", None, detail)


def ended_event(approval: Approval, verdict: Verdict | None = None) -> AuditDraft:
    """The event of an approval that has just left PENDING, with the verdict that allowed it."""
    detail: dict[str, Json] = {
        **_subject(approval),
        "approvers": list(approval.approvers),
        "decided_by": approval.decided_by,
        "decider_credentials": list(approval.decider_credentials),
        "decider_enrollers": list(approval.decider_enrollers),
        "comment": approval.comment,
    }
    return _event(approval, ApprovalStatus.PENDING.value, verdict, detail)


def _event(
    approval: Approval, previous: str, verdict: Verdict | None, detail: dict[str, Json]
) -> AuditDraft:
    """The participant is whoever proposed the subject: its proposals are what humans review."""
    return AuditDraft(
        type=EVENTS[approval.status],
        aggregate=approval.aggregate,
        aggregate_version=approval.version,
        last=approval.status is not ApprovalStatus.PENDING,
        participant=approval.proposed_by,
        task=approval.task_id,
        handoff=_text(approval.subject.get("handoff_id")),
        reason_code=REASONS[approval.status],
        previous_state=previous,
        new_state=approval.status.value,
        verdict=verdict,
        input_references=(approval.subject_hash,),
        correlation_id=approval.correlation_id,
        detail=detail,
    )


def _subject(approval: Approval) -> dict[str, Json]:
    return {
        "approval_id": approval.approval_id,
        "action": approval.action,
        "subject_hash": approval.subject_hash,
    }


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
