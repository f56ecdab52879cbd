"""A participant as callers see it: what is committed, and what the last beats said."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.receipt import Receipt
from registry_svc.domain.attendance import Attendance
from registry_svc.domain.participant import Participant
from registry_svc.domain.presence import Key
from registry_svc.domain.vitals import Vitals


@dataclass(frozen=True, slots=True)
class View:
    """``heard_at`` is the time of the last beat, None where none was heard."""

    participant: Participant
    vitals: Vitals
    heard_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """A participant after a governed change, and the proof of it (None where nothing changed)."""

    view: View
    receipt: Receipt | None


def view_of(participant: Participant, tenant: str, attendance: Attendance, clock: Clock) -> View:
    """``participant`` with what is known of it at this moment."""
    vitals = attendance.vitals(Key(tenant, participant.id))
    if vitals.last_beat is None:
        return View(participant, vitals)
    ago = timedelta(seconds=clock.monotonic() - vitals.last_beat)
    return View(participant, vitals, clock.now() - ago)
