"""What the row of a participant means for its session: whether it may attach, or has ended."""

from typing import Final

from phoenix_runtime.core.standing import ParticipantStatus
from registry_svc.domain.participant import Participant
from registry_svc.domain.session import LeaseLostReason, Session
from registry_svc.domain.session_table import SessionTable

EXPIRED: Final = (LeaseLostReason.EXPIRED, "Its lease ran out or it left; register again.")
ENDED: Final = {
    ParticipantStatus.FAILED: EXPIRED,
    ParticipantStatus.SUSPENDED: (LeaseLostReason.SUSPENDED, "It is suspended."),
    ParticipantStatus.RETIRED: (LeaseLostReason.RETIRED, "It is retired, for ever."),
}
"""The states without a session, and what its stream is sent."""
UNKNOWN_GENERATION: Final = "No such generation; register first."


def attach_refusal(row: Participant | None, generation: int) -> tuple[LeaseLostReason, str] | None:
    """Why ``generation`` cannot attach; None where it can."""
    if row is None or generation > row.generation:
        return LeaseLostReason.UNKNOWN, UNKNOWN_GENERATION
    if generation < row.generation:
        return LeaseLostReason.SUPERSEDED, _newest(row)
    if row.lease_is_lost:
        return EXPIRED
    return ENDED.get(row.status)


def follow_row(sessions: SessionTable, session: Session, row: Participant) -> None:
    """Bring ``session`` in step with its committed ``row``; an outdated row changes nothing."""
    if row.generation > session.generation:
        sessions.end_session(session.lease, LeaseLostReason.SUPERSEDED, _newest(row))
    elif row.generation == session.generation and row.status in ENDED:
        sessions.end_session(session.lease, *ENDED[row.status])
    elif row.generation == session.generation:
        sessions.set_status(session, row.status)


def _newest(row: Participant) -> str:
    return f"Generation {row.generation} is the newest."
