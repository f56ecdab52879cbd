"""The runtime's numbers: they come in through the door, tests choose their own (style rule 8)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from assignment_svc.domain.scoring import ScoreWeights


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
    """How long things are waited for, and how much of something is taken."""

    weights: ScoreWeights = field(default_factory=ScoreWeights)
    queue: BackOff = BackOff(timedelta(seconds=2), timedelta(seconds=60))
    """Between looks for an assignee or a target that found nobody."""
    exclusion: BackOff = BackOff(timedelta(seconds=30), timedelta(minutes=10))
    """For whoever declined, or let a start or an offer lapse."""
    approval_poll: BackOff = BackOff(timedelta(seconds=2), timedelta(seconds=30))
    """Between looks at an approval that nobody announced."""
    offer_timeout: timedelta = timedelta(seconds=30)
    last_checkpoint: timedelta = timedelta(seconds=10)
    resume_timeout: timedelta = timedelta(seconds=60)
    """How long a participant that came back may take to resume its tasks."""
    rounds: int = 5
    """How often what changed meanwhile is looked at again before the caller is told to retry."""
    depth: int = 8
    children: int = 64
    first_beat: tuple[float, ...] = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
    """Seconds between looks at whether a participant that resumes has beaten yet."""
