"""How the loss of a participant, and its health, stand in the audit."""

from datetime import datetime

from phoenix_runtime.core.documents import time_text
from phoenix_runtime.core.events import AuditDraft, AuditEventType, ReasonCode
from registry_svc.domain.participant import Participant
from registry_svc.domain.vitals import Tally


def failed_draft(
    before: Participant, after: Participant, heard: datetime | None, tally: Tally | None
) -> AuditDraft:
    """PARTICIPANT_FAILED: last beat, generation, reason."""
    return AuditDraft(
        type=AuditEventType.PARTICIPANT_FAILED,
        aggregate=after.aggregate,
        aggregate_version=after.version,
        participant=after.id,
        reason_code=ReasonCode(after.status_reason),
        previous_state=before.status.value,
        new_state=after.status.value,
        detail={
            "last_beat": time_text(heard) if heard is not None else None,
            "generation": after.generation,
            "reason": after.status_reason,
            "standing_revision": after.standing_revision,
            **(tally or Tally()).document(),
        },
    )


def health_draft(
    before: Participant, after: Participant, reason: ReasonCode, tally: Tally, said: str
) -> AuditDraft:
    """PARTICIPANT_HEALTH: beats due and kept, worst load, latency. ``said`` is its own word."""
    return AuditDraft(
        type=AuditEventType.PARTICIPANT_HEALTH,
        aggregate=after.aggregate,
        aggregate_version=after.version,
        participant=after.id,
        reason_code=reason,
        previous_state=before.status.value,
        new_state=after.status.value,
        detail={
            "said": said,
            "generation": after.generation,
            "standing_revision": after.standing_revision,
            **tally.document(),
        },
    )
