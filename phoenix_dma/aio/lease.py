"""What a participant knows of its own lease, which is less than the house knows, and sooner.

The house counts a lease from the arrival of a beat; all that the participant can be sure of is when
it *sent* the last beat that was acknowledged. So it gives its lease up first, always: handlers are
told and writes stop before the house hands their tasks to somebody else.
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
        """A new stream opens, where beats are counted anew; answers the moment, for `granted`."""
        self._sent.clear()
        return self._now()

    def granted(self, ttl: float, *, asked_at: float) -> None:
        """The house granted a lease of ``ttl`` seconds to the `Attach` sent at ``asked_at``."""
        self.ttl = ttl
        self._confirmed_at = max(self._confirmed_at, asked_at)

    def sent(self, seq: int) -> None:
        """Beats with number ``seq`` leave now."""
        self._sent.append((seq, self._now()))

    def acknowledged(self, seq: int) -> None:
        """Everything up to ``seq`` has arrived."""
        while self._sent and self._sent[0][0] <= seq:
            self._confirmed_at = max(self._confirmed_at, self._sent.popleft()[1])

    def lost(self) -> None:
        """The house took the lease away, or the participant gave it up."""
        self._confirmed_at = float("-inf")
        self._sent.clear()

    @property
    def holds(self) -> bool:
        """True while the lease stands as far as the participant can know."""
        return self.remaining > 0

    @property
    def remaining(self) -> float:
        """Seconds for which it still stands without another acknowledgement."""
        return max(0.0, self._confirmed_at + self.ttl - self._now())

    @property
    def silence(self) -> float:
        """Seconds since the last beat that is known to have arrived was sent."""
        return self._now() - self._confirmed_at
