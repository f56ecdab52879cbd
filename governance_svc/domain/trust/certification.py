"""Certifications: who vouches for a capability or an owner, on what grounds, until when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Method(StrEnum):
    """How a capability was examined."""

    HUMAN = "human"
    TEST_SUITE = "test_suite"
    MODEL_EVALUATION = "model_evaluation"


@dataclass(frozen=True, slots=True)
class Certification:
    """One certificate. An empty ``capability`` certifies the owner; ``coverage`` is in (0, 1].

    ``version`` is that of its aggregate: 1 when granted, 2 when revoked. ``event_id`` names the
    audit event that granted it, so that trust can show what it rests on.
    """

    certification_id: str
    participant_id: str
    capability: str
    method: Method
    evidence: str
    coverage: float
    granted_by: str
    grant_time: datetime
    expire_time: datetime
    event_id: str = ""
    revoke_time: datetime | None = None
    version: int = 1

    @property
    def aggregate(self) -> str:
        """Its name in the audit."""
        return f"certification/{self.certification_id}"

    @property
    def status(self) -> str:
        """Its state in the audit; a lapse by time is no transition."""
        return "granted" if self.revoke_time is None else "revoked"

    def holds(self, now: datetime) -> bool:
        """True while neither revoked nor lapsed."""
        return self.revoke_time is None and now < self.expire_time
