"""The approval's lifecycle, and who can never decide (I13)."""

from datetime import UTC, datetime

import pytest

from governance_svc.domain.approvals.approval import Approval, Question, bars
from governance_svc.domain.lifecycle import APPROVALS, ApprovalStatus
from phoenix_runtime.core.errors import IllegalTransition
from phoenix_runtime.core.principal import Principal, Role

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def asked(status: ApprovalStatus = ApprovalStatus.PENDING) -> Approval:
    question = Question(
        "t",
        "merge",
        {"a": 1},
        "sha256:1",
        "audit.corr.t",
        barred=("sam", "agent.a"),
        barred_owners=("otto",),
        proposed_by="agent.p",
    )
    return Approval("approval.1", question, status, "assignment", NOON, NOON)


def human(name: str, *roles: Role, kind: str = "human", subject: str = "") -> Principal:
    chosen = frozenset(roles or (Role.REVIEWER, Role.PARTICIPANT))
    return Principal("t", subject or name, chosen, participant=name, participant_type=kind)


def test_every_state_is_reached_and_only_pending_is_no_end() -> None:
    reached = {transition.target for transition in APPROVALS.transitions}
    assert reached == set(ApprovalStatus)
    assert APPROVALS.ends == set(ApprovalStatus) - {ApprovalStatus.PENDING}


@pytest.mark.parametrize("end", sorted(APPROVALS.ends))
@pytest.mark.parametrize("verb", ["approve", "reject", "expire", "cancel"])
def test_nothing_leaves_an_end(end: ApprovalStatus, verb: str) -> None:
    for actor in ("human", "service", "expiry_worker"):
        with pytest.raises(IllegalTransition):
            APPROVALS.apply(end, verb, actor)


@pytest.mark.parametrize("actor", ["service", "expiry_worker", "agent"])
def test_nobody_but_a_human_approves(actor: str) -> None:
    with pytest.raises(IllegalTransition):
        APPROVALS.apply(ApprovalStatus.PENDING, "approve", actor)


@pytest.mark.parametrize(
    ("decider", "because"),
    [
        (human("agent.x", kind="agent"), "type human"),
        (human("", subject="rita"), "type human"),
        (human("ann", Role.PARTICIPANT), "reviewer"),
        (human("sam"), "submitted or has worked"),
        (human("agent.p"), "submitted or has worked"),
        (human("ann", subject="sam"), "submitted or has worked"),
        (human("otto"), "owner"),
        (human("ann"), ""),
    ],
)
def test_what_policy_cannot_switch_off(decider: Principal, because: str) -> None:
    why = bars(asked(), decider)
    assert because in why
    assert bool(why) == bool(because)


@pytest.mark.parametrize(
    ("status", "supersedes", "answers"),
    [
        (ApprovalStatus.PENDING, "", True),
        (ApprovalStatus.PENDING, "approval.1", True),
        (ApprovalStatus.APPROVED, "", True),
        (ApprovalStatus.APPROVED, "approval.0", True),
        (ApprovalStatus.APPROVED, "approval.1", False),
        (ApprovalStatus.REJECTED, "", True),
        (ApprovalStatus.EXPIRED, "", True),
        (ApprovalStatus.CANCELLED, "", False),
    ],
)
def test_which_approval_answers_the_same_subject(
    status: ApprovalStatus,
    supersedes: str,
    answers: bool,  # noqa: FBT001  # a parameter of the table
) -> None:
    assert asked(status).answers(supersedes) is answers
