"""Detects stalls of this replica, so that no silence during a stall counts against anybody."""


class StallDetector:
    """Notices gaps of this replica. ``limit`` is the longest gap, in seconds, without consequence.

    During a longer gap heartbeats may have come and not been read. Then nobody expires until the
    deadlines have been seeded again, and no silence from before `silence_floor` counts.
    """

    def __init__(self, *, limit: float) -> None:
        self._limit = limit
        self._checked: float | None = None
        self._written: float | None = None
        self.silence_floor = float("-inf")
        """No silence before this moment (monotonic) counts against anybody."""
        self.needs_seeding = True
        """True from the start on: what Redis holds may be older than this process."""

    def check(self, now: float) -> None:
        """Take that a loop passes at ``now``; a gap since its last pass is a stall."""
        if self._checked is not None and now - self._checked > self._limit:
            self.reset(now)
        self._checked = now
        # A deadline that could not be written for so long is worth no more than one unread.
        if self._written is not None and now - self._written > self._limit:
            self.reset(now)

    def deadlines_written(self, now: float) -> None:
        """Take that the deadlines of all heartbeats from before ``now`` are written."""
        self._written = now

    def reset(self, now: float) -> None:
        """Count silence from ``now`` on only: the lease store is new, or the clocks disagree."""
        self.silence_floor = now
        self.needs_seeding = True

    def seeded(self, asked: float) -> None:
        """Take that all deadlines were seeded from what was known at ``asked``.

        A stall in between leaves the seeding still to be done.
        """
        if self.silence_floor <= asked:
            self.needs_seeding = False
