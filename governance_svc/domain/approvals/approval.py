"""Approvals: a human's decision about exactly one content (I13)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from governance_svc.domain.lifecycle import APPROVALS, Actor, ApprovalStatus, ApprovalVerb
from phoenix_runtime.core.errors import ContextHashMismatch
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.principal import Principal, Role

DEFAULT_VALIDITY = timedelta(days=7)
"""How long an approval stays pending where the request names no end."""


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """What a human is to decide: task, action and subject, and who may not decide.

    ``supersedes`` names a decided approval of the same subject that policy no longer accepts
    (because its decider was suspended, for example): only then the same subject is requested anew.
    """

    task_id: str
    action: str
    subject: JsonObject
    subject_hash: str
    correlation_id: str
    approvers: tuple[str, ...] = ()
    barred: tuple[str, ...] = ()
    barred_owners: tuple[str, ...] = ()
    barred_credentials: tuple[str, ...] = ()
    policy_decision_id: str = ""
    proposed_by: str = ""
    expires_at: datetime | None = None
    supersedes: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A human's decision about an approval.

    ``subject_hash`` is that of the content that the human saw; where it is empty the approval's id
    stands for the content, because an approval's subject never changes.
    """

    approval_id: str
    approve: bool
    comment: str
    subject_hash: str = ""

    @property
    def verb(self) -> ApprovalVerb:
        """The step of the lifecycle."""
        return ApprovalVerb.APPROVE if self.approve else ApprovalVerb.REJECT


@dataclass(frozen=True, slots=True)
class Approval:
    """A request to a human and its outcome.

    ``round`` counts the requests about one (task, action, subject_hash); ``version`` is that of
    the aggregate; ``request_event_id`` names the audit event of the request. ``comment`` is the
    human's, or the reason of a cancellation. Nobody decides who was enrolled through one of the
    ``barred_credentials``; the decider's own descent is kept with the decision.
    """

    approval_id: str
    task_id: str
    action: str
    subject: JsonObject
    subject_hash: str
    correlation_id: str
    requested_by: str
    status: ApprovalStatus
    created_at: datetime
    expires_at: datetime
    approvers: tuple[str, ...] = ()
    barred: tuple[str, ...] = ()
    barred_owners: tuple[str, ...] = ()
    barred_credentials: tuple[str, ...] = ()
    policy_decision_id: str = ""
    proposed_by: str = ""
    round: int = 1
    version: int = 1
    request_event_id: str = ""
    decided_by: str = ""
    decider_credentials: tuple[str, ...] = ()
    decider_enrollers: tuple[str, ...] = ()
    comment: str = ""
    deciding_policy_decision_id: str = ""
    decided_at: datetime | None = None

    @property
    def aggregate(self) -> str:
        """Its name in the audit."""
        return f"approval/{self.approval_id}"

    def settles(self, supersedes: str) -> bool:
        """Whether a new request for the same subject is answered by this very approval.

        A cancelled approval settles nothing, and neither does one that the request supersedes.
        """
        if self.status is ApprovalStatus.CANCELLED:
            return False
        return self.status is ApprovalStatus.PENDING or self.approval_id != supersedes

    def recorded(self, event_id: str) -> "Approval":
        """The approval whose request was audited by ``event_id``."""
        return replace(self, request_event_id=event_id)

    def check_decidable(self, decision: Decision, at: datetime) -> None:
        """Check that ``decision`` is about the content shown, and that the approval is pending.

        Raises `ContextHashMismatch` and `IllegalTransition`.
        """
        APPROVALS.apply(self._status_at(at), decision.verb, Actor.HUMAN)
        seen = decision.subject_hash
        if seen and seen != self.subject_hash:
            raise ContextHashMismatch(expected=self.subject_hash, received=seen)

    def decided(
        self, decision: Decision, *, by: Principal, policy_decision_id: str, at: datetime
    ) -> "Approval":
        """Approved or rejected by a participant; raises as `check_decidable` does."""
        self.check_decidable(decision, at)
        return replace(
            self,
            status=APPROVALS.apply(self.status, decision.verb, Actor.HUMAN),
            version=self.version + 1,
            decided_by=by.participant,
            decider_credentials=by.descent.credentials,
            decider_enrollers=by.descent.enrollers,
            comment=decision.comment,
            deciding_policy_decision_id=policy_decision_id,
            decided_at=at,
        )

    def expired(self, at: datetime) -> "Approval":
        """Expired by the worker; raises `IllegalTransition`."""
        return replace(
            self,
            status=APPROVALS.apply(self.status, ApprovalVerb.EXPIRE, Actor.EXPIRY_WORKER),
            version=self.version + 1,
            decided_at=at,
        )

    def cancelled(self, reason: str, at: datetime) -> "Approval":
        """Cancelled by the service that requested it; raises `IllegalTransition`."""
        return replace(
            self,
            status=APPROVALS.apply(self.status, ApprovalVerb.CANCEL, Actor.SERVICE),
            version=self.version + 1,
            comment=reason,
            decided_at=at,
        )

    def _status_at(self, at: datetime) -> ApprovalStatus:
        """EXPIRED from ``expires_at`` on, however late the expiry worker is."""
        if self.status is ApprovalStatus.PENDING and at >= self.expires_at:
            return ApprovalStatus.EXPIRED
        return self.status


def requested(
    request: ApprovalRequest,
    previous: Approval | None,
    *,
    approval_id: str,
    requested_by: str,
    at: datetime,
) -> Approval:
    """A new, pending approval; ``previous`` is that of the last round about the same subject."""
    return Approval(
        approval_id=approval_id,
        task_id=request.task_id,
        action=request.action,
        subject=request.subject,
        subject_hash=request.subject_hash,
        correlation_id=request.correlation_id,
        requested_by=requested_by,
        status=APPROVALS.apply(None, ApprovalVerb.REQUEST, Actor.SERVICE),
        created_at=at,
        expires_at=request.expires_at or at + DEFAULT_VALIDITY,
        approvers=request.approvers,
        barred=request.barred,
        barred_owners=request.barred_owners,
        barred_credentials=request.barred_credentials,
        policy_decision_id=request.policy_decision_id,
        proposed_by=request.proposed_by,
        round=1 if previous is None else previous.round + 1,
    )


def barred_because(approval: Approval, decider: Principal) -> str:
    """Why ``decider`` may never decide, whatever policy says (I13); empty where nothing bars.

    Policy is asked as well: this is what even an allow-all bundle cannot switch off.
    """
    if decider.participant_type != "human" or not decider.participant:
        return "only a participant of type human decides"
    if not decider.has(Role.REVIEWER):
        return "only a reviewer decides"
    if {decider.participant, decider.subject} & {*approval.barred, approval.proposed_by}:
        return "whoever submitted or has worked on the task does not decide about it"
    if {decider.participant, decider.subject} & set(approval.barred_owners):
        return "an owner of somebody who has worked on the task does not decide about it"
    return ""


def same_descent(approval: Approval, decider: Principal, owners: Sequence[str] = ()) -> str:
    """Why the descent of the decider's credential bars it, whatever policy says; else empty.

    Whoever holds the credential through which somebody was enrolled can be that somebody, so a
    yes of theirs would be one's own (governance, Approvals). ``owners`` are the enrolments with
    which owners of those who have worked on the task take part.
    """
    descent = decider.descent
    through = descent.shared_with((*sorted(approval.barred_credentials), *owners))
    if through:
        whose = f"an enrolment of {descent.subject_of(through)} ({through})"
        how = "decides with" if through == descent.credential else "was enrolled through"
        return (
            f"{decider.participant} {how} {whose}, with which somebody asked for this, has worked "
            "on the task or owns who did"
        )
    owners = sorted(set(descent.enrollers) & {*approval.barred_owners, approval.proposed_by} - {""})
    if owners:
        return (
            f"{decider.participant} was enrolled by {owners[0]}, who is or owns somebody who has "
            "worked on the task"
        )
    return ""
