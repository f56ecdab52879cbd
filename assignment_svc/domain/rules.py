"""The numbers that use cases work by: settings and tests choose others than these."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from assignment_svc.domain.scoring import ScoreWeights

OFFER_TIMEOUT: Final = timedelta(seconds=30)
"""How long a target may take to receive an offered task."""
LAST_CHECKPOINT: Final = timedelta(seconds=10)
"""How long a living source's last checkpoint is waited for; then the newest pointer counts."""
RESUME_TIMEOUT: Final = timedelta(seconds=60)
"""How long a participant that came back may take to resume its tasks."""


@dataclass(frozen=True, slots=True)
class BackOff:
    """Doubling waits, from ``first`` up to ``longest``."""

    first: timedelta
    longest: timedelta

    def after(self, now: datetime, tries: int) -> datetime:
        """When to try again after ``tries`` fruitless tries (1 or more)."""
        doublings: int = min(max(tries - 1, 0), 30)
        return now + min(self.first * (1 << doublings), self.longest)


@dataclass(frozen=True, slots=True)
class Rules:
    """How long use cases wait, and how much of something they take."""

    weights: ScoreWeights = field(default_factory=ScoreWeights)
    queue: BackOff = BackOff(timedelta(seconds=2), timedelta(seconds=60))
    """Between two searches for an assignee or a target that found nobody."""
    exclusion: BackOff = BackOff(timedelta(seconds=30), timedelta(minutes=10))
    """For a participant that declined, or let a start or an offer lapse."""
    approval_poll: BackOff = BackOff(timedelta(seconds=2), timedelta(seconds=30))
    """Between two reads of an approval of which no event has come."""
    offer_timeout: timedelta = OFFER_TIMEOUT
    last_checkpoint: timedelta = LAST_CHECKPOINT
    resume_timeout: timedelta = RESUME_TIMEOUT
    rounds: int = 5
    """How often a stale read is repeated before the caller has to retry."""
    depth: int = 8
    """How many ancestors a task may have."""
    children: int = 64
    """How many open children a task may have."""
    first_beat: tuple[float, ...] = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
    """Seconds between two reads of whether a participant that resumes has sent a heartbeat yet."""
