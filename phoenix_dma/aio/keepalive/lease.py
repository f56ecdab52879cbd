"""Computes how long a participant's own lease certainly stands.

The registry counts a lease from the arrival of a heartbeat. The participant knows only when it
*sent* the last heartbeat that was acknowledged, which is earlier. So it always gives its lease up
first: handlers stop and writes are refused before its tasks are given to another participant.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable


class LeaseWatch:
    """The lease of one participant over many streams; times are seconds of a monotonic clock."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._sent: deque[tuple[int, float]] = deque()
        self._confirmed_at = float("-inf")
        self.ttl = 0.0

    def attaching(self) -> float:
        """Begin a stream, which counts heartbeats anew; return the moment, for `granted`."""
        self._sent.clear()
        return self._now()

    def granted(self, ttl: float, *, asked_at: float) -> None:
        """Record a lease of ``ttl`` seconds, granted to the `Attach` sent at ``asked_at``."""
        self.ttl = ttl
        self._confirmed_at = max(self._confirmed_at, asked_at)

    def sent(self, seq: int) -> None:
        """Record that heartbeat ``seq`` is sent now."""
        self._sent.append((seq, self._now()))

    def acknowledged(self, seq: int) -> None:
        """Record that every heartbeat up to ``seq`` has arrived."""
        while self._sent and self._sent[0][0] <= seq:
            self._confirmed_at = max(self._confirmed_at, self._sent.popleft()[1])

    def lost(self) -> None:
        """Record that the lease was taken away or given up."""
        self._confirmed_at = float("-inf")
        self._sent.clear()

    @property
    def holds(self) -> bool:
        """True while the lease certainly stands."""
        return self.remaining > 0

    @property
    def remaining(self) -> float:
        """Seconds for which the lease stands without another acknowledgement."""
        return max(0.0, self._confirmed_at + self.ttl - self._now())

    @property
    def unanswered(self) -> float:
        """Seconds for which the oldest heartbeat has waited for its acknowledgement; 0 for none."""
        return self._now() - self._sent[0][1] if self._sent else 0.0
