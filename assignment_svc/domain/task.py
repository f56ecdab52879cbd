"""Tasks: what never changes about one, who holds it, and when it has to be processed."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from assignment_svc.domain.context import ContextPointer
from assignment_svc.domain.states import ENDED, AssignmentIntent, ParkedAction, TaskStatus
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.standing import RiskLevel
from phoenix_runtime.core.verdict import DECISION

START_TIMEOUT = timedelta(seconds=60)
"""How long an assignee may take to start, where the submission does not say."""

MAX_ATTEMPTS = 3
"""How many attempts a task has, where the submission does not say."""

MAX_LOSSES = 3
"""After how many losses of its owner a task fails, where the submission does not say."""


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """What was submitted. Identity (I1): nothing of it changes afterwards.

    ``input_hash`` is the hash of the canonical input, that of ``{}`` where there was none.
    ``attempt_timeout`` and ``deadline_at`` are None where unlimited, ``max_losses`` is 0.
    """

    task_id: str
    objective: str
    required_capabilities: tuple[str, ...]
    data_domains: tuple[str, ...]
    risk_level: RiskLevel
    policy_constraints: tuple[str, ...]
    input_hash: str
    priority: int = 0
    deadline_at: datetime | None = None
    start_timeout: timedelta = START_TIMEOUT
    attempt_timeout: timedelta | None = None
    max_attempts: int = MAX_ATTEMPTS
    max_losses: int = MAX_LOSSES
    parent_task_id: str = ""
    detached: bool = False
    degraded_allowed: bool = False
    intent: AssignmentIntent = AssignmentIntent.AUTOMATIC
    task_type: str = ""


@dataclass(frozen=True, slots=True)
class Binding:
    """The only link of a task to a participant, under one epoch.

    ``owner`` is the accountable entity of the participant, for those who may not decide an
    approval.
    """

    assignment_id: str
    participant_id: str
    owner: str
    epoch: int
    generation: int
    standing_revision: int
    decision_id: str
    bound_at: datetime
    explanation: str = ""

    def renewed(self, *, assignment_id: str, epoch: int, at: datetime) -> "Binding":
        """The same participant and decision, bound once more under another epoch."""
        return replace(self, assignment_id=assignment_id, epoch=epoch, bound_at=at)


@dataclass(frozen=True, slots=True)
class Loss:
    """An owner that was lost while it worked on the task, and why (`events.OWNER_LOST`)."""

    participant_id: str
    epoch: int
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Parked:
    """What a task in AWAITING_APPROVAL waits for; ``target`` is whom an assignment is for."""

    action: ParkedAction
    approval_id: str
    subject_hash: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class TaskObligation:
    """What policy asked in return for a yes; it belongs to the task and outlives its owners.

    ``met_by`` and ``action`` say what meets it (`verdict.Obligation`), ``evidence`` what did: the
    address of a context or the id of an approval.
    """

    id: str
    text: str
    due: str
    decision_id: str
    fulfilled: bool = False
    met_by: str = DECISION
    action: str = ""
    evidence: str = ""
    met_event_id: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """What was submitted, by whom and when: nothing of it changes afterwards (I1)."""

    spec: TaskSpec
    submitter: str
    submitter_participant_id: str
    correlation_id: str
    submitted_at: datetime
    depth: int = field(default=0, kw_only=True)
    submit_event_id: str = field(default="", kw_only=True)
    """Of the event of its submission, written in the same transaction."""


@dataclass(frozen=True, slots=True)
class Task(Submission):
    """A submission and what changes about it; one row decides. ``epoch`` is the newest epoch.

    ``version`` counts the events of the task and its handoffs without a gap. The four times at the
    end are deadlines of what the status waits for; None where it waits for nothing of the kind.
    """

    updated_at: datetime
    status: TaskStatus = TaskStatus.PENDING
    version: int = 0
    epoch: int = 0
    attempt: int = 0
    losses: int = 0
    """How often its owner was lost while it was ACTIVE."""
    lost: tuple[Loss, ...] = ()
    """The newest of these losses, oldest first; all of them where their number is limited."""
    binding: Binding | None = None
    parked: Parked | None = None
    pointer: ContextPointer | None = None
    obligations: tuple[TaskObligation, ...] = ()
    result_hash: str = ""
    reason: str = ""
    why: str = ""
    """What was said when it failed, was given back or ended, in the words of whoever did it."""
    handoff_id: str = ""
    last_event_id: str = ""
    failure_hash: str = ""
    """Of the last audited ASSIGNMENT_FAILED: the same reasons again are not audited again."""
    tries: int = 0
    """Searches for an assignee since the last binding that found nobody; lengthens the back-off."""
    next_try_at: datetime | None = None
    start_due_at: datetime | None = None
    attempt_due_at: datetime | None = None
    resume_due_at: datetime | None = None

    @property
    def task_id(self) -> str:
        """The stable identity."""
        return self.spec.task_id

    @property
    def ended(self) -> bool:
        """True where nothing can happen to it any more."""
        return self.status in ENDED

    @property
    def parked_for(self) -> ParkedAction | None:
        """Which question it waits for, where it waits for one."""
        return self.parked.action if self.parked is not None else None

    @property
    def automatic(self) -> bool:
        """True where the engine looks for an assignee by itself."""
        return self.spec.intent is AssignmentIntent.AUTOMATIC

    @property
    def next_epoch(self) -> int:
        """The epoch of the next binding: losing the present owner, if there is one, burns one."""
        return self.epoch + (2 if self.binding is not None else 1)

    def attempt_deadline(self, at: datetime) -> datetime | None:
        """When an attempt that begins at ``at`` has to be over; None where it is unlimited."""
        timeout = self.spec.attempt_timeout
        return at + timeout if timeout is not None else None

    @property
    def owner_id(self) -> str:
        """Who holds it; empty where nobody does."""
        return self.binding.participant_id if self.binding is not None else ""

    @property
    def lost_owners(self) -> tuple[str, ...]:
        """Whom it lost, each once, in the order in which they were first lost."""
        return tuple(dict.fromkeys(loss.participant_id for loss in self.lost))

    @property
    def aggregate(self) -> str:
        """Its name in the audit; its handoffs belong to it."""
        return f"task/{self.task_id}"

    @property
    def open_obligations(self) -> tuple[TaskObligation, ...]:
        """What is not met; what is due always is never met."""
        return tuple(o for o in self.obligations if not o.fulfilled)

    @property
    def wake_at(self) -> datetime | None:
        """When a worker has to process it: the first of its deadlines; None where it has none."""
        if self.ended:
            return None
        times = (
            self.next_try_at,
            self.start_due_at,
            self.attempt_due_at,
            self.resume_due_at,
            self.spec.deadline_at,
        )
        return earliest(times)


@dataclass(frozen=True, slots=True)
class BindingRecord:
    """One acquisition in a task's history: how it began and how it ended."""

    task_id: str
    binding: Binding
    gained_by: str
    ended_at: datetime | None = None
    ended_by: str = ""


TRIED_ELSEWHERE: Final = frozenset(
    {
        ReasonCode.RETRYABLE_FAILURE.value,
        ReasonCode.INPUT_AT_FAULT.value,
        ReasonCode.ATTEMPT_TIMEOUT.value,
    }
)
"""Reasons of failures after which somebody else is tried first."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A participant that is not asked for this task until ``excluded_until``, for ever where None.

    One that is over says who has failed the task.

    ``scope`` is empty for the task, or the handoff for which alone it counts.
    """

    task_id: str
    participant_id: str
    reason: str
    because: str = ""
    scope: str = ""
    tries: int = 1
    excluded_until: datetime | None = None
    decision_id: str = ""

    @property
    def failed_before(self) -> bool:
        """Whether the participant has failed the task, and may be tried again after others."""
        return not self.scope and self.reason in TRIED_ELSEWHERE


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks a list shows; empty fields do not filter."""

    statuses: tuple[TaskStatus, ...] = ()
    participant_id: str = ""
    parent_task_id: str = ""
    correlation_id: str = ""


def earliest(times: Iterable[datetime | None]) -> datetime | None:
    """The first of the times that are given."""
    given = [time for time in times if time is not None]
    return min(given) if given else None
