"""Approvals: a human's yes or no to exactly one content (I13)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from governance_svc.domain.lifecycle import ApprovalStatus
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.principal import Principal, Role

DEFAULT_VALIDITY = timedelta(days=7)
"""How long a question waits where the asker names no end."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: task, action and subject, and who may not answer.

    ``supersedes`` names a decided approval of the same subject with which policy is not content
    any more (its decider was suspended, say): only then the same subject is asked anew.
    """

    task_id: str
    action: str
    subject: JsonObject
    subject_hash: str
    correlation_id: str
    approvers: tuple[str, ...] = ()
    barred: tuple[str, ...] = ()
    barred_owners: tuple[str, ...] = ()
    policy_decision_id: str = ""
    proposed_by: str = ""
    expire_time: datetime | None = None
    supersedes: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """A question to a human and its answer.

    ``round`` counts the questions about one (task, action, subject_hash); ``version`` is that of
    the aggregate; ``request_event_id`` is the audit event of the question.
    """

    approval_id: str
    question: Question
    status: ApprovalStatus
    requested_by: str
    create_time: datetime
    expire_time: datetime
    round: int = 1
    version: int = 1
    request_event_id: str = ""
    decided_by: str = ""
    comment: str = ""
    deciding_policy_decision_id: str = ""
    decide_time: datetime | None = None

    @property
    def aggregate(self) -> str:
        """Its name in the audit."""
        return f"approval/{self.approval_id}"

    def answers(self, supersedes: str) -> bool:
        """Whether asking for the same subject again is answered by this very approval.

        A withdrawn question answers nothing, and neither does one that the asker supersedes.
        """
        if self.status is ApprovalStatus.CANCELLED:
            return False
        return self.status is ApprovalStatus.PENDING or self.approval_id != supersedes


def bars(approval: Approval, decider: Principal) -> str:
    """Why ``decider`` may never decide, whatever policy says (I13); empty where nothing bars.

    Policy is asked as well: this is what even an allow-all bundle cannot switch off.
    """
    question = approval.question
    if decider.participant_type != "human" or not decider.participant:
        return "only a participant of type human decides"
    if not decider.has(Role.REVIEWER):
        return "only a reviewer decides"
    if {decider.participant, decider.subject} & {*question.barred, question.proposed_by}:
        return "whoever submitted or has worked on the task does not decide about it"
    if {decider.participant, decider.subject} & set(question.barred_owners):
        return "an owner of somebody who has worked on the task does not decide about it"
    return ""
