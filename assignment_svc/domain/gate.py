"""Gates: who may still be given work, and how much (architecture, One row decides)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.standing import ParticipantStatus, Standing

LOST: Final[Mapping[ParticipantStatus, ReasonCode]] = MappingProxyType(
    {
        ParticipantStatus.FAILED: ReasonCode.PARTICIPANT_FAILED,
        ParticipantStatus.SUSPENDED: ReasonCode.PARTICIPANT_SUSPENDED,
        ParticipantStatus.RETIRED: ReasonCode.PARTICIPANT_RETIREMENT,
    }
)
"""A participant with one of these statuses loses what it holds, for this reason."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One participant's gate. ``used`` counts seats: tasks held, offers standing, living sources.

    ``retirement_id`` is the retirement mark; once set it is never lifted. ``standing_revision`` and
    ``generation`` say which of the registry's standings the gate reflects; 0 before the first.
    """

    participant_id: str
    capacity: int = 0
    used: int = 0
    standing_revision: int = 0
    generation: int = 0
    status: ParticipantStatus = ParticipantStatus.REGISTERED
    retirement_id: str = ""

    @property
    def marked(self) -> bool:
        """True once the participant is leaving for ever."""
        return self.retirement_id != ""

    @property
    def takes_back(self) -> bool:
        """Whether a task may go back to a source that was fenced and kept its seat.

        Seat and decision are those of the first binding, so the gate need not be open; but the
        participant must not be leaving.
        """
        return not self.marked and self.status not in LOST

    @property
    def refuses(self) -> bool:
        """True where a bind would certainly fail; never for a gate without a standing yet."""
        return self.marked or (self.capacity > 0 and self.used >= self.capacity)

    def is_open(self, *, degraded_allowed: bool = False) -> bool:
        """Open = standing ACTIVE (or DEGRADED where permitted) and unmarked."""
        if self.marked:
            return False
        if self.status is ParticipantStatus.DEGRADED:
            return degraded_allowed
        return self.status is ParticipantStatus.ACTIVE

    def brought_up(self, standing: Standing) -> "Gate":
        """The gate with ``standing`` applied, where that is newer than what the gate reflects."""
        if standing.standing_revision <= self.standing_revision:
            return self
        return replace(
            self,
            capacity=standing.capacity,
            standing_revision=standing.standing_revision,
            generation=standing.generation,
            status=standing.status,
        )

    def retiring(self, retirement_id: str) -> "Gate":
        """The gate with the retirement mark, which is never lifted (I8)."""
        if self.marked and self.retirement_id != retirement_id:
            raise ValueError(f"{self.participant_id} retires by {self.retirement_id} already")
        return replace(self, retirement_id=retirement_id)

    def taken(self) -> "Gate":
        """One seat more. The caller has checked that one is free."""
        return replace(self, used=self.used + 1)

    def released(self) -> "Gate":
        """One seat less."""
        if self.used < 1:
            raise ValueError(f"the gate of {self.participant_id} has no seat to release")
        return replace(self, used=self.used - 1)


def full(capacity: int) -> str:
    """Why a gate refuses a bind whose seats are all taken, for people."""
    return "its only seat is taken" if capacity == 1 else f"all of its {capacity} seats are taken"
