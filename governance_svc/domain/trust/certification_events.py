"""The audit events of a certification; the grant's event holds the whole certification."""

from governance_svc.domain.lifecycle import CertificationStatus
from governance_svc.domain.trust.certification import Certification, Method
from phoenix_runtime.core.documents import time_of, time_text
from phoenix_runtime.core.events import AuditDraft, AuditEvent, AuditEventType, ReasonCode
from phoenix_runtime.core.json import Json


def granted_event(certification: Certification) -> AuditDraft:
    """CERTIFICATION_GRANTED."""
    return AuditDraft(
        type=AuditEventType.CERTIFICATION_GRANTED,
        aggregate=certification.aggregate,
        aggregate_version=certification.version,
        participant=certification.participant_id,
        new_state=certification.status.value,
        reason_code=ReasonCode.REQUESTED,
        detail={
            "certification_id": certification.certification_id,
            "capability": certification.capability,
            "method": certification.method.value,
            "evidence": certification.evidence,
            "coverage": certification.coverage,
            "granted_by": certification.granted_by,
            "granter_credentials": list(certification.granter_credentials),
            "granter_enrollers": list(certification.granter_enrollers),
            "grant_time": time_text(certification.granted_at),
            "expire_time": time_text(certification.valid_until),
        },
    )


def revoked_event(certification: Certification, reason: str) -> AuditDraft:
    """CERTIFICATION_REVOKED."""
    revoked_at = certification.revoked_at
    return AuditDraft(
        type=AuditEventType.CERTIFICATION_REVOKED,
        aggregate=certification.aggregate,
        aggregate_version=certification.version,
        last=True,
        participant=certification.participant_id,
        previous_state=CertificationStatus.GRANTED.value,
        new_state=certification.status.value,
        reason_code=ReasonCode.REQUESTED,
        detail={
            "certification_id": certification.certification_id,
            "capability": certification.capability,
            "revoke_time": "" if revoked_at is None else time_text(revoked_at),
            "reason": reason,
        },
    )


def certification_of_event(event: AuditEvent) -> Certification:
    """The certification that a CERTIFICATION_GRANTED describes."""
    detail = event.detail
    return Certification(
        certification_id=str(detail["certification_id"]),
        participant_id=event.participant,
        capability=str(detail["capability"]),
        method=Method(str(detail["method"])),
        evidence=str(detail["evidence"]),
        coverage=float(str(detail["coverage"])),
        granted_by=str(detail["granted_by"]),
        granted_at=time_of(str(detail["grant_time"])),
        valid_until=time_of(str(detail["expire_time"])),
        event_id=event.event_id,
        version=event.aggregate_version,
        granter_credentials=_texts(detail.get("granter_credentials")),
        granter_enrollers=_texts(detail.get("granter_enrollers")),
    )


def _texts(value: Json) -> tuple[str, ...]:
    """The texts of a list; none where an older release wrote the event."""
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()
