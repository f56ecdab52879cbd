"""The audit events of a certification: enough to know it from the audit alone."""

from datetime import datetime

from governance_svc.domain.trust.certification import Certification, Method
from phoenix_runtime.core.documents import time_of, time_text
from phoenix_runtime.core.events import AuditDraft, AuditEvent, AuditEventType, ReasonCode


def granted_event(certification: Certification) -> AuditDraft:
    """CERTIFICATION_GRANTED."""
    return AuditDraft(
        type=AuditEventType.CERTIFICATION_GRANTED,
        aggregate=certification.aggregate,
        aggregate_version=certification.version,
        participant=certification.participant_id,
        new_state=certification.status,
        reason_code=ReasonCode.REQUESTED,
        detail={
            "certification_id": certification.certification_id,
            "capability": certification.capability,
            "method": certification.method.value,
            "evidence": certification.evidence,
            "coverage": certification.coverage,
            "granted_by": certification.granted_by,
            "grant_time": time_text(certification.grant_time),
            "expire_time": time_text(certification.expire_time),
        },
    )


def revoked_event(certification: Certification, reason: str) -> AuditDraft:
    """CERTIFICATION_REVOKED."""
    revoked = certification.revoke_time
    return AuditDraft(
        type=AuditEventType.CERTIFICATION_REVOKED,
        aggregate=certification.aggregate,
        aggregate_version=certification.version,
        participant=certification.participant_id,
        previous_state="granted",
        new_state=certification.status,
        reason_code=ReasonCode.REQUESTED,
        detail={
            "certification_id": certification.certification_id,
            "capability": certification.capability,
            "revoke_time": "" if revoked is None else time_text(revoked),
            "reason": reason,
        },
    )


def certification_of_event(event: AuditEvent) -> Certification:
    """The certification that a CERTIFICATION_GRANTED tells of."""
    detail = event.detail
    return Certification(
        certification_id=str(detail["certification_id"]),
        participant_id=event.participant,
        capability=str(detail["capability"]),
        method=Method(str(detail["method"])),
        evidence=str(detail["evidence"]),
        coverage=float(str(detail["coverage"])),
        granted_by=str(detail["granted_by"]),
        grant_time=_time(detail["grant_time"]),
        expire_time=_time(detail["expire_time"]),
        event_id=event.event_id,
        version=event.aggregate_version,
    )


def _time(value: object) -> datetime:
    return time_of(str(value))
