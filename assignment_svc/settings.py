"""The settings of assignment, beyond those of every service."""

from pydantic import Field, model_validator

from assignment_svc.domain.rules import LAST_CHECKPOINT, OFFER_TIMEOUT, RESUME_TIMEOUT, Rules
from assignment_svc.domain.scoring import ScoreWeights
from assignment_svc.workers.background import DUE_INTERVAL, RECONCILE_INTERVAL, WorkerIntervals
from phoenix_runtime.chassis.settings import Duration, ServiceSettings
from phoenix_runtime.core.durations import CLAIM_DURATION


class AssignmentSettings(ServiceSettings):
    """``PHOENIX_DMA_*``; durations in seconds or ISO 8601."""

    score_weights: dict[str, float] = Field(default_factory=dict)
    """alpha … epsilon of Algorithm 3; the shipped catalogue's where not given. They sum to 1."""
    offer_timeout: Duration = OFFER_TIMEOUT
    """How long a target may take to receive an offered task."""
    last_checkpoint: Duration = LAST_CHECKPOINT
    """How long a living source's last checkpoint is waited for."""
    resume_timeout: Duration = RESUME_TIMEOUT
    """How long a participant that came back may take to resume its tasks."""
    reconcile_interval: Duration = RECONCILE_INTERVAL
    """How often every busy gate is compared with the registry."""
    due_interval: Duration = DUE_INTERVAL
    """How often a loop that nothing wakes looks for due rows."""
    claim: Duration = CLAIM_DURATION
    """How long a row waits for a worker that died on it, or whose peer was away."""

    @property
    def rules(self) -> Rules:
        """The numbers that use cases work by."""
        return Rules(
            weights=ScoreWeights(**self.score_weights),
            offer_timeout=self.offer_timeout,
            last_checkpoint=self.last_checkpoint,
            resume_timeout=self.resume_timeout,
        )

    @property
    def worker_intervals(self) -> WorkerIntervals:
        """How often the loops run that nothing wakes."""
        return WorkerIntervals(
            due=self.due_interval.total_seconds(),
            reconcile=self.reconcile_interval.total_seconds(),
        )

    @model_validator(mode="after")
    def _weights_sum_to_one(self) -> "AssignmentSettings":
        """Refuse at start what would refuse every assignment."""
        chosen = ScoreWeights(**self.score_weights)
        values = [getattr(chosen, name) for name in ScoreWeights.__slots__]
        if abs(sum(values) - 1.0) > 1e-9 or min(values) < 0:
            raise ValueError("score_weights sum to 1, and none is negative")
        return self
