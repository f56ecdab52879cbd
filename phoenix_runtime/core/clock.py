"""Clocks: what domains and use cases are given instead of the system's time (style rule 8)."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """The time as domains and use cases see it."""

    def now(self) -> datetime:
        """The time of day, in UTC. Deadlines and tokens use it."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump. Leases and freshness use it."""
        ...


class SteadyClock:
    """Wall time at start plus monotonic time, corrected towards the wall by at most 1 s a minute.

    So a jump of the wall clock expires nobody (I11), and a slow drift is still followed.
    ``wall`` is the wall clock, in seconds since the epoch.
    """

    PULL = 1.0 / 60.0
    """Seconds of correction a second."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._lock = threading.Lock()
        self._last = time.monotonic()
        self._base = wall() - self._last

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return time.monotonic()

    def now(self) -> datetime:
        """The steady time of day in UTC."""
        with self._lock:
            now = time.monotonic()
            most = (now - self._last) * self.PULL
            error = (self._wall() - now) - self._base
            self._base += max(-most, min(most, error))
            self._last = now
            return datetime.fromtimestamp(self._base + now, UTC)


class ManualClock:
    """A clock that stands still until a test advances it."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed = 0.0

    def now(self) -> datetime:
        """The time of day, as moved."""
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Seconds moved so far."""
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._elapsed += seconds
