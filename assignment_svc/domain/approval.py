"""What humans were asked about a task, and the one use of each yes (governance, Approvals)."""

from dataclasses import dataclass
from datetime import datetime

from assignment_svc.domain.states import ActionKind, ApprovalState
from phoenix_runtime.core.json import Json, JsonObject, content_hash

ASSIGN = "assign"
HANDOFF = "handoff"
COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class ApprovalQuestion:
    """What a human is asked. ``subject`` is the content that they see."""

    task_id: str
    action: str
    subject: JsonObject
    correlation_id: str
    decision_id: str
    approvers: tuple[str, ...] = ()
    barred: tuple[str, ...] = ()
    barred_owners: tuple[str, ...] = ()
    proposed_by: str = ""
    supersedes: str = ""
    """A decided approval of the same subject with which policy is not content any more."""


@dataclass(frozen=True, slots=True)
class ApprovalAnswer:
    """What governance knows of a question."""

    approval_id: str
    state: ApprovalState
    subject_hash: str
    decided_by: str = ""
    comment: str = ""
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """A question as the task remembers it: unique by (task, action, subject_hash) while it counts.

    ``handoff_id`` is set where it is about a handoff's target; ``cancel_wanted`` where the subject
    is gone and governance has still to be told.
    """

    approval_id: str
    task_id: str
    action: str
    subject_hash: str
    state: ApprovalState
    requested_at: datetime
    target: str = ""
    handoff_id: str = ""
    decided_by: str = ""
    decider_type: str = ""
    decider_status: str = ""
    comment: str = ""
    cancel_wanted: bool = False
    next_poll_at: datetime | None = None
    polls: int = 0

    @property
    def decided(self) -> bool:
        """True once a human has spoken, or can speak no more."""
        return self.state is not ApprovalState.PENDING

    def document(self) -> dict[str, Json]:
        """The approval as it stands in the input of a decision."""
        return {
            "approval_id": self.approval_id,
            "task_id": self.task_id,
            "action": self.action,
            "subject_hash": self.subject_hash,
            "status": self.state.value,
            "decided_by": self.decided_by,
            "decider": {
                "id": self.decided_by,
                "type": self.decider_type,
                "status": self.decider_status,
            },
        }


@dataclass(frozen=True, slots=True)
class Authorization:
    """Leave to act: one row for (task, action, subject_hash), whoever asks again.

    ``authorization_id`` is the tool's idempotency key. ``epoch`` and the event are those of the
    last audited answer.
    """

    authorization_id: str
    task_id: str
    action: str
    subject_hash: str
    kind: ActionKind
    domain: str
    approval_id: str
    decision_id: str
    participant_id: str
    epoch: int
    authorized_at: datetime
    event_id: str = ""
    event_version: int = 0


@dataclass(frozen=True, slots=True)
class ApprovalUse:
    """A human's answer and what it was used for, as the next owner is shown it."""

    approval: Approval
    authorization_id: str = ""


def assignment_subject(task_id: str, objective: str, target: str, epoch: int) -> JsonObject:
    """What a human sees who is asked for an assignment; it dies with target and epoch."""
    return {
        "action": ASSIGN,
        "task_id": task_id,
        "objective": objective,
        "target": target,
        "epoch": epoch,
    }


def handoff_subject(handoff_id: str, task_id: str, source: str, target: str) -> JsonObject:
    """What a human sees who is asked for the target of a handoff."""
    return {
        "action": HANDOFF,
        "handoff_id": handoff_id,
        "task_id": task_id,
        "source": source,
        "target": target,
    }


def subject_hash(subject: JsonObject) -> str:
    """The hash to which an approval is bound."""
    return content_hash(subject)
