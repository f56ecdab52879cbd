"""What the registry says of a participant and assignment acts upon."""

from dataclasses import dataclass
from enum import StrEnum

from phoenix_runtime.core.verdict import Grants


class ParticipantStatus(StrEnum):
    """The states of a participant (lifecycles)."""

    REGISTERED = "registered"
    ACTIVE = "active"
    DEGRADED = "degraded"
    FAILED = "failed"
    SUSPENDED = "suspended"
    RETIRING = "retiring"
    RETIRED = "retired"


class Liveness(StrEnum):
    """Whether a participant has to beat."""

    LEASED = "leased"
    UNLEASED = "unleased"


class RiskLevel(StrEnum):
    """How much harm a task can do."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Standing:
    """A participant's standing at ``standing_revision``. ``load`` is in [0, 1] or None.

    ``latency`` is in seconds, ``cost`` per task in the tenant's unit; both None where unknown.
    """

    participant_id: str
    status: ParticipantStatus
    standing_revision: int
    generation: int
    type: str
    owner: str
    capacity: int
    grants: Grants
    liveness: Liveness
    trust_policy: str = "enterprise-standard"
    status_reason: str = ""
    cost: float | None = None
    load: float | None = None
    latency: float | None = None
    suspect: bool = False
    credential: str = ""
    """The enrolment that the participant held when it registered itself, where it did."""

    def eligible(self, *, degraded_allowed: bool = False) -> bool:
        """Active(p), or DEGRADED where the task's policy permits it."""
        if self.status is ParticipantStatus.DEGRADED:
            return degraded_allowed
        return self.status is ParticipantStatus.ACTIVE
