"""What heartbeats report. It is kept in memory alone; no heartbeat is ever stored."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class HealthState(StrEnum):
    """The health that a participant reports of itself."""

    SERVING = "serving"
    DEGRADED = "degraded"
    OVERLOADED = "overloaded"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The newest known health. ``load`` in [0, 1], ``latency`` in seconds, None where unknown.

    ``last_beat`` is on the monotonic clock; ``trust`` is the value of the last policy decision
    about the participant. ``suspect`` means that its stream closed while its lease still runs.
    """

    last_beat: float | None = None
    load: float | None = None
    latency: float | None = None
    trust: float | None = None
    suspect: bool = False
    state: HealthState = HealthState.SERVING


UNKNOWN_HEALTH: Final = Health()


def latest(one: Health, other: Health) -> Health:
    """The health with the later heartbeat; ``one`` where neither is later."""
    if other.last_beat is None:
        return one
    return other if one.last_beat is None or other.last_beat > one.last_beat else one


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """What one heartbeat reports. ``latency`` in seconds; None leaves what was known."""

    load: float | None = None
    state: HealthState | None = None
    latency: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatSummary:
    """Heartbeats due and kept since the last event with a summary: evidence for trust."""

    due: int = 0
    kept: int = 0
    worst_load: float | None = None
    worst_latency: float | None = None

    def document(self) -> dict[str, float | int | None]:
        """The fields as they stand in an event. ``worst_latency`` is in seconds."""
        return {
            "beats_due": self.due,
            "beats_kept": self.kept,
            "worst_load": self.worst_load,
            "worst_latency": self.worst_latency,
        }
