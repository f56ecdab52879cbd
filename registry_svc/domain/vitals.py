"""What beats say: kept in memory alone, never stored per beat."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class HealthState(StrEnum):
    """What a participant says of its health."""

    SERVING = "serving"
    DEGRADED = "degraded"
    OVERLOADED = "overloaded"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """The newest that is known. ``load`` in [0, 1], ``latency`` in seconds, None where unknown.

    ``last_beat`` is on the monotonic clock; ``trust`` is what the last decision that judged the
    participant found. ``suspect`` means that its stream closed while its lease still runs.
    """

    last_beat: float | None = None
    load: float | None = None
    latency: float | None = None
    trust: float | None = None
    suspect: bool = False
    state: HealthState = HealthState.SERVING


UNSEEN: Final = Vitals()


def newer(one: Vitals, other: Vitals) -> Vitals:
    """What the later beat said; ``one`` where neither was later."""
    if other.last_beat is None:
        return one
    return other if one.last_beat is None or other.last_beat > one.last_beat else one


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One beat. ``latency`` in seconds; None leaves what was known."""

    load: float | None = None
    state: HealthState | None = None
    latency: float | None = None


UNCHANGED: Final = Report()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Beats due and kept since the last event that told of them: trust's runtime health."""

    due: int = 0
    kept: int = 0
    worst_load: float | None = None
    worst_latency: float | None = None

    def document(self) -> dict[str, float | int | None]:
        """As it stands in an event. ``worst_latency`` is in seconds."""
        return {
            "beats_due": self.due,
            "beats_kept": self.kept,
            "worst_load": self.worst_load,
            "worst_latency": self.worst_latency,
        }
