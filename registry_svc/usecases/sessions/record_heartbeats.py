"""RecordHeartbeats: takes the heartbeats of a message. It touches memory only (I11)."""

from collections.abc import Iterable

from phoenix_runtime.core.waiting.wakeup import WakeUp
from registry_svc.domain.session import Session
from registry_svc.usecases.context import RegistryContext


class RecordHeartbeats:
    """Records heartbeats, and wakes the health worker where one asks for another state."""

    def __init__(self, context: RegistryContext, health_work: WakeUp) -> None:
        self._sessions = context.sessions
        self._clock = context.clock
        self._health_work = health_work

    def __call__(self, sessions: Iterable[Session | None], now: float) -> None:
        """Record a heartbeat of each session at ``now`` (monotonic)."""
        if self._sessions.record_beats(sessions, now):
            self._health_work.notify()

    def now(self) -> float:
        """The time of a message: one reading of the clock serves all its heartbeats."""
        return self._clock.monotonic()
