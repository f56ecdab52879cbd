"""What humans were asked about a task, and the one use of each yes (governance, Approvals)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.states import ActionKind, ApprovalState
from assignment_svc.domain.task import Task
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.json import Json, JsonObject, content_hash
from phoenix_runtime.core.standing import Standing

ASSIGN = "assign"
HANDOFF = "handoff"
COMPLETE = "complete"

SAME_DESCENT: Final = "same_descent"
"""The standing of a decider whose yes would be the worker's own."""

REFUSAL_REASONS: Final[Mapping[ApprovalState, ReasonCode]] = MappingProxyType(
    {
        ApprovalState.REJECTED: ReasonCode.APPROVAL_REFUSED,
        ApprovalState.EXPIRED: ReasonCode.APPROVAL_EXPIRED,
        ApprovalState.CANCELLED: ReasonCode.SUBJECT_GONE,
    }
)
"""Why something is refused for which the answer is not yes."""


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
    barred_credentials: tuple[str, ...] = ()
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
    decider_credentials: tuple[str, ...] = ()
    decider_enrollers: tuple[str, ...] = ()
    comment: str = ""
    decided_at: datetime | None = None

    def is_own_of(self, worker: Standing, owner: Standing | None) -> bool:
        """Whether its decider is ``worker`` or its owner, or may be by the credential of either.

        Such a yes is the worker's own (governance, Approvals), even where it was given before the
        worker took the task over. ``owner`` is None where the owner takes no part itself.
        """
        through = {worker.credential, owner.credential if owner else ""} - {""}
        names = {worker.participant_id, worker.owner} - {""}
        by = {self.decided_by, *self.decider_enrollers}
        return not (through.isdisjoint(self.decider_credentials) and names.isdisjoint(by))


@dataclass(frozen=True, slots=True)
class Approval:
    """A question as the task remembers it: unique by (task, action, subject_hash) while it counts.

    ``handoff_id`` is set where it is about a handoff's target; ``cancel_wanted`` where the subject
    is gone and governance has still to cancel the question.
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

    def about(self, subject: "ApprovalSubject") -> bool:
        """Whether it is about exactly this content."""
        return self.action == subject.action and self.subject_hash == subject.hash

    def answered(self, answer: ApprovalAnswer) -> "Approval":
        """The question with governance's answer; a decided one is not read again."""
        pending = answer.state is ApprovalState.PENDING
        return replace(
            self,
            state=answer.state,
            decided_by=answer.decided_by,
            comment=answer.comment,
            next_poll_at=self.next_poll_at if pending else None,
        )

    @property
    def usable(self) -> bool:
        """Whether it is a yes that counts: not one of the worker's own."""
        return self.state is ApprovalState.APPROVED and self.decider_status != SAME_DESCENT

    def seen_with(self, *, decider_type: str, decider_status: str) -> "Approval":
        """The decision with what its decider is by now (I13)."""
        return replace(self, decider_type=decider_type, decider_status=decider_status)

    def unanswerable(self) -> "Approval":
        """The question, of which governance knows nothing: it will never be answered."""
        return replace(self, state=ApprovalState.CANCELLED)

    def polled(self, next_poll_at: datetime | None) -> "Approval":
        """The question after one read more; None where it is not read again."""
        return replace(self, polls=self.polls + 1, next_poll_at=next_poll_at)

    def withdrawn(self, at: datetime) -> "Approval":
        """The question, to be cancelled at governance at once: its subject is gone."""
        return replace(self, cancel_wanted=True, next_poll_at=at, polls=0)

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


def newest_yes(known: Iterable[Approval]) -> str:
    """The id of the human's yes that counts now, the newest of ``known``; empty without one."""
    granted = [one.approval_id for one in known if one.usable]
    return granted[-1] if granted else ""


@dataclass(frozen=True, slots=True)
class Authorization:
    """A permission to act: one row for (task, action, subject_hash), whoever asks again.

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

    def recorded(self, *, event_id: str, version: int) -> "Authorization":
        """The authorization with the event that proves it."""
        return replace(self, event_id=event_id, event_version=version)


@dataclass(frozen=True, slots=True)
class ApprovalUse:
    """A human's answer and what it was used for, as the next owner is shown it."""

    approval: Approval
    authorization_id: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalSubject:
    """One content that policy is asked about; a human's yes is bound to exactly this.

    ``content`` is what the human sees and ``hash`` its hash.
    """

    action: str
    content: JsonObject
    hash: str
    target: str = ""
    handoff_id: str = ""
    proposed_by: str = ""


def assignment_subject(task: Task, target: str) -> ApprovalSubject:
    """What a human is asked about an assignment; it dies with target and epoch."""
    content: JsonObject = {
        "action": ASSIGN,
        "task_id": task.task_id,
        "objective": task.spec.objective,
        "target": target,
        "epoch": task.epoch + 1,
    }
    return ApprovalSubject(ASSIGN, content, content_hash(content), target=target)


def handoff_subject(handoff: Handoff, target: str) -> ApprovalSubject:
    """What a human is asked about one target of a handoff; it dies with the handoff."""
    content: JsonObject = {
        "action": HANDOFF,
        "handoff_id": handoff.handoff_id,
        "task_id": handoff.task_id,
        "source": handoff.source,
        "target": target,
    }
    return ApprovalSubject(
        HANDOFF, content, content_hash(content), target=target, handoff_id=handoff.handoff_id
    )


def result_subject(task: Task, result: JsonObject, result_hash: str) -> ApprovalSubject:
    """What a human is asked about a result: the result itself, so its hash is the subject's."""
    return ApprovalSubject(COMPLETE, result, result_hash, proposed_by=task.owner_id)
