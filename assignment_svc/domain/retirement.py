"""Retirements: a participant leaves for ever, and what became of its tasks (Algorithm 6)."""

from dataclasses import dataclass, replace
from datetime import datetime

from assignment_svc.domain.lifecycle import RETIREMENT, RetirementVerb
from assignment_svc.domain.states import Actor, Outcome, RetirementMode, RetirementStatus
from assignment_svc.domain.task import earliest
from phoenix_runtime.core.json import Json


@dataclass(frozen=True, slots=True)
class RetirementOutcome:
    """What became of one task that was bound when the gate closed."""

    task_id: str
    outcome: Outcome = Outcome.OPEN
    target: str = ""
    handoff_id: str = ""


@dataclass(frozen=True, slots=True)
class Retirement:
    """The record of a retirement. ``deadline_at`` is when a graceful one stops waiting.

    ``announced`` is True once the registry knows (RETIRING); ``version`` counts its events.
    """

    retirement_id: str
    participant_id: str
    mode: RetirementMode
    deadline_at: datetime
    reason: str
    requested_by: str
    decision_id: str
    correlation_id: str
    created_at: datetime
    status: RetirementStatus = RetirementStatus.DRAINING
    announced: bool = False
    source_gone: bool = False
    outcomes: tuple[RetirementOutcome, ...] = ()
    version: int = 0
    next_try_at: datetime | None = None
    finished_at: datetime | None = None
    last_event_id: str = ""

    @property
    def aggregate(self) -> str:
        """Its name in the audit."""
        return f"retirement/{self.retirement_id}"

    @property
    def record(self) -> dict[str, Json]:
        """Table 5, *participant retired*: mode, active tasks, handoff outcomes."""
        return {
            "retirement_id": self.retirement_id,
            "mode": self.mode.value,
            "active_tasks": [one.task_id for one in self.outcomes],
            "handoff_outcomes": [
                {
                    "task_id": one.task_id,
                    "outcome": one.outcome.value,
                    "target": one.target,
                    "handoff_id": one.handoff_id,
                }
                for one in self.outcomes
            ],
        }

    @property
    def finished(self) -> bool:
        """True when nothing is bound or on offer to the participant any more."""
        return self.status is RetirementStatus.FINISHED

    def made_immediate(self, at: datetime) -> "Retirement":
        """The same retirement, which waits for nothing any more."""
        status = RETIREMENT.apply(self.status, RetirementVerb.MAKE_IMMEDIATE, Actor.OPERATOR)
        return replace(self, status=status, mode=RetirementMode.IMMEDIATE, next_try_at=at)

    def settled(
        self,
        outcomes: tuple[RetirementOutcome, ...],
        *,
        source_gone: bool,
        next_try_at: datetime | None,
    ) -> "Retirement":
        """The same retirement, announced, with what became of each task so far."""
        return replace(
            self,
            outcomes=outcomes,
            announced=True,
            source_gone=self.source_gone or source_gone,
            next_try_at=next_try_at,
        )

    def finish(self, at: datetime) -> "Retirement":
        """FINISHED: nothing is bound or on offer to the participant any more."""
        status = RETIREMENT.apply(self.status, RetirementVerb.FINISH, Actor.ENGINE)
        return replace(self, status=status, finished_at=at, next_try_at=None)

    def recorded(self, event_id: str) -> "Retirement":
        """The retirement as the event ``event_id`` leaves it; each event counts one version."""
        return replace(self, version=self.version + 1, last_event_id=event_id)

    @property
    def wake_at(self) -> datetime | None:
        """When a worker has to process it; None once it is finished."""
        if self.finished:
            return None
        return earliest((self.next_try_at, None if self.source_gone else self.deadline_at))


@dataclass(frozen=True, slots=True)
class RetirementFilter:
    """Which retirements a list shows; empty fields do not filter."""

    participant_id: str = ""
    statuses: tuple[RetirementStatus, ...] = ()
