"""The approval's transitions, and who can never decide (I13)."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance_svc.domain.approvals.approval import (
    DEFAULT_VALIDITY,
    Approval,
    ApprovalRequest,
    Decision,
    barred_because,
    requested,
    same_descent,
)
from governance_svc.domain.approvals.events import EVENTS, REASONS, ended_event, requested_event
from governance_svc.domain.lifecycle import APPROVALS, ApprovalStatus, ApprovalVerb
from phoenix_runtime.core.errors import ContextHashMismatch, IllegalTransition
from phoenix_runtime.core.principal import Descent, Enroller, Principal, Role

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
REQUEST = ApprovalRequest(
    "t",
    "merge",
    {"a": 1},
    "sha256:1",
    "audit.corr.t",
    barred=("sam", "agent.a"),
    barred_owners=("otto",),
    proposed_by="agent.p",
)
DECISION_FIELDS = {
    "status",
    "version",
    "decided_by",
    "comment",
    "deciding_policy_decision_id",
    "decided_at",
}


def asked(status: ApprovalStatus = ApprovalStatus.PENDING) -> Approval:
    approval = requested(
        REQUEST, None, approval_id="approval.1", requested_by="assignment", at=NOON
    )
    return replace(approval, status=status)


def human(name: str, *roles: Role, kind: str = "human", subject: str = "") -> Principal:
    chosen = frozenset(roles or (Role.REVIEWER, Role.PARTICIPANT))
    return Principal("t", subject or name, chosen, participant=name, participant_type=kind)


def decide(approval: Approval, decision: Decision, at: datetime = NOON) -> Approval:
    return approval.decided(decision, by=human("ann"), policy_decision_id="opa.dec.1", at=at)


APPROVE = Decision("approval.1", approve=True, comment="looked")
TRANSITIONS: dict[str, Callable[[Approval, datetime], Approval]] = {
    "approve": lambda approval, at: decide(approval, APPROVE, at),
    "reject": lambda approval, at: decide(approval, replace(APPROVE, approve=False), at),
    "expire": lambda approval, at: approval.expired(at),
    "cancel": lambda approval, at: approval.cancelled("ended", at),
}


def test_every_state_is_reached_and_only_pending_is_no_end() -> None:
    reached = {transition.target for transition in APPROVALS.transitions}
    assert reached == set(ApprovalStatus)
    assert APPROVALS.ends == set(ApprovalStatus) - {ApprovalStatus.PENDING}


@pytest.mark.parametrize("end", sorted(APPROVALS.ends))
@pytest.mark.parametrize(
    "verb", [ApprovalVerb(name) for name in ("approve", "reject", "expire", "cancel")]
)
def test_nothing_leaves_an_end(end: ApprovalStatus, verb: ApprovalVerb) -> None:
    for actor in ("human", "service", "expiry_worker"):
        with pytest.raises(IllegalTransition):
            APPROVALS.apply(end, verb, actor)
    with pytest.raises(IllegalTransition):
        TRANSITIONS[verb](asked(end), NOON)


@pytest.mark.parametrize("actor", ["service", "expiry_worker", "agent"])
def test_nobody_but_a_human_approves(actor: str) -> None:
    with pytest.raises(IllegalTransition):
        APPROVALS.apply(ApprovalStatus.PENDING, ApprovalVerb.APPROVE, actor)


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
    why = barred_because(asked(), decider)
    assert because in why
    assert bool(why) == bool(because)


@pytest.mark.parametrize(
    ("descent", "told"),
    [
        (Descent("root", "olga"), "ann decides with an enrolment of olga (root)"),
        (
            Descent("enrolment.ann", "ann", (Enroller("root", "olga"),)),
            "ann was enrolled through an enrolment of olga (root)",
        ),
    ],
)
def test_a_refusal_by_descent_names_whose_enrolment_it_was(descent: Descent, told: str) -> None:
    approval = replace(asked(), barred_credentials=("root",))
    assert same_descent(approval, replace(human("ann"), descent=descent)).startswith(told)


@pytest.mark.parametrize(
    ("status", "supersedes", "settles"),
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
def test_which_approval_settles_the_same_subject(
    status: ApprovalStatus,
    supersedes: str,
    settles: bool,  # noqa: FBT001  # a parameter of the table
) -> None:
    assert asked(status).settles(supersedes) is settles


def test_a_new_round_counts_on_and_ends_after_a_week_unless_it_says_otherwise() -> None:
    first = asked()
    assert (first.round, first.version, first.expires_at) == (1, 1, NOON + DEFAULT_VALIDITY)
    soon = replace(REQUEST, expires_at=NOON + timedelta(hours=1))
    second = requested(soon, first, approval_id="approval.2", requested_by="assignment", at=NOON)
    assert (second.round, second.expires_at) == (2, NOON + timedelta(hours=1))


def test_other_content_than_the_human_saw_is_not_decided() -> None:
    with pytest.raises(ContextHashMismatch):
        decide(asked(), replace(APPROVE, subject_hash="sha256:other"))
    assert decide(asked(), replace(APPROVE, subject_hash="sha256:1")).decided_by == "ann"


def test_an_approval_past_its_end_is_not_decided_before_the_worker_has_expired_it() -> None:
    end = asked().expires_at
    assert decide(asked(), APPROVE, end - timedelta(microseconds=1)).decided_by == "ann"
    with pytest.raises(IllegalTransition, match="expired"):
        decide(asked(), APPROVE, end)


STEPS = st.lists(
    st.tuples(st.sampled_from(sorted(TRANSITIONS)), st.integers(0, 14 * 24)), max_size=6
)


@given(STEPS)
def test_an_approval_ends_once_and_keeps_its_subject(steps: list[tuple[str, int]]) -> None:
    approval = asked()
    for verb, hours in steps:
        before = approval
        try:
            approval = TRANSITIONS[verb](before, NOON + timedelta(hours=hours))
        except IllegalTransition:
            continue
        assert before.status is ApprovalStatus.PENDING
        assert approval.status in APPROVALS.ends
        assert approval.version == before.version + 1
        changed = {
            field.name
            for field in fields(Approval)
            if getattr(approval, field.name) != getattr(before, field.name)
        }
        assert changed <= DECISION_FIELDS
    assert approval.version <= 2


@pytest.mark.parametrize("verb", sorted(TRANSITIONS))
def test_every_end_has_its_event(verb: str) -> None:
    ended = TRANSITIONS[verb](asked(), NOON)
    event = ended_event(ended)
    assert (event.type, event.reason_code) == (EVENTS[ended.status], REASONS[ended.status])
    assert (event.previous_state, event.new_state) == ("pending", ended.status.value)
    assert (event.participant, event.task, event.aggregate_version) == ("agent.p", "t", 2)
    first = requested_event(asked(), "approval.0")
    assert (first.previous_state, first.detail["supersedes"]) == ("", "approval.0")
