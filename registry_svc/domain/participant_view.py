"""A participant as callers see it: the committed state with the newest known health."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.receipt import Receipt
from registry_svc.domain.health import Health
from registry_svc.domain.participant import Participant
from registry_svc.domain.session import ParticipantKey
from registry_svc.domain.session_table import SessionTable


@dataclass(frozen=True, slots=True)
class ParticipantView:
    """``last_beat_at`` is the time of the last heartbeat, None where none has arrived."""

    participant: Participant
    health: Health
    last_beat_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ParticipantChange:
    """A participant after a governed change, and its receipt (None where nothing changed)."""

    view: ParticipantView
    receipt: Receipt | None
    warnings: tuple[str, ...] = ()


def view_of(
    participant: Participant, tenant: str, sessions: SessionTable, clock: Clock
) -> ParticipantView:
    """``participant`` with the health that is known at this moment."""
    health = sessions.health(ParticipantKey(tenant, participant.id))
    if health.last_beat is None:
        return ParticipantView(participant, health)
    ago = timedelta(seconds=clock.monotonic() - health.last_beat)
    return ParticipantView(participant, health, clock.now() - ago)
