"""Whether this replica has watched without a gap, so that a silence is the participant's own."""


class Vigil:
    """Notices its own stalls. ``limit`` is the longest gap, in seconds, that blames nobody.

    A gap means: beats may have come and not been seen. Then nobody expires until the deadlines have
    been seeded again, and no silence from before `floor` counts.
    """

    def __init__(self, *, limit: float) -> None:
        self._limit = limit
        self._looked: float | None = None
        self._written: float | None = None
        self.floor = float("-inf")
        """No silence before this moment (monotonic) counts against anybody."""
        self.needs_seeding = True
        """True from the start on: what Redis holds may be older than this process."""

    def look(self, now: float) -> None:
        """A loop passes at ``now``; a gap since the last pass is a stall of our own."""
        if self._looked is not None and now - self._looked > self._limit:
            self._stalled(now)
        self._looked = now
        # Deadlines that could not be written for so long are as good as not seen.
        if self._written is not None and now - self._written > self._limit:
            self._stalled(now)

    def written(self, now: float) -> None:
        """The deadlines of everybody who had beaten before ``now`` are written."""
        self._written = now

    def doubt(self, now: float) -> None:
        """The lease store is new, or its clock and ours disagree."""
        self._stalled(now)

    def seeded(self, asked: float) -> None:
        """Everybody's deadline was seeded again from what was known at ``asked``.

        A stall in between leaves the seeding still to be done.
        """
        if self.floor <= asked:
            self.needs_seeding = False

    def _stalled(self, now: float) -> None:
        self.floor = now
        self.needs_seeding = True
