"""Discovery: the requirement, the candidates, and those who are none."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from phoenix_runtime.core.score import Score
from phoenix_runtime.core.standing import RiskLevel, Standing
from phoenix_runtime.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Requirement:
    """What an assignee has to bring (paper, section 5). ``exclude`` are not wanted at all."""

    task_id: str
    required_capabilities: tuple[str, ...]
    data_domains: tuple[str, ...]
    risk_level: RiskLevel
    policy_constraints: tuple[str, ...]
    correlation_id: str
    degraded_allowed: bool = False
    task_type: str = ""
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A participant that discovery let through, with its standing and verdict."""

    standing: Standing
    verdict: Verdict
    certified: frozenset[str] = frozenset()

    @property
    def participant_id(self) -> str:
        """Who it is."""
        return self.standing.participant_id


@dataclass(frozen=True, slots=True)
class Alternative:
    """A participant that was not chosen, and the conjunct that failed.

    ``failed`` is score, active, capability_match, trust_ok, policy_allows, capacity or
    backing_off.
    """

    participant_id: str
    failed: str
    because: str
    score: Score | None = None
    decision_id: str = ""


@dataclass(frozen=True, slots=True)
class Discovery:
    """What the registry answered; ``asked_at`` is monotonic seconds from before it was asked."""

    candidates: tuple[Candidate, ...]
    excluded: tuple[Alternative, ...]
    asked_at: float
    audit_event_id: str = ""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its score.

    ``used`` is the number of seats that were taken when it was scored, or that other tasks were
    about to take. ``failed_before``: it has failed this task already, so it is tried after all who
    have not.
    """

    candidate: Candidate
    score: Score
    used: int
    failed_before: bool = False

    @property
    def crowded(self) -> bool:
        """Whether no seat is left beside those that other tasks are about to take."""
        return self.used >= self.candidate.standing.capacity


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was asked about one candidate, and when: monotonic seconds from before each question."""

    standing: Standing
    verdict: Verdict
    standing_asked_at: float
    decision_asked_at: float
    score: Score | None = None
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Seats:
    """How many seats candidates have taken when they are scored, by participant.

    ``expected`` are those that other tasks of this process are about to take beside them.
    """

    used: Mapping[str, int] = field(default_factory=dict)
    expected: Mapping[str, int] = field(default_factory=dict)

    def of(self, participant_id: str) -> int:
        """Seats taken; 0 where the participant has no gate yet."""
        return self.used.get(participant_id, 0)

    def expected_of(self, participant_id: str) -> int:
        """Seats that other tasks are about to take."""
        return self.expected.get(participant_id, 0)
