"""What becomes of a question to a human, and to which content an answer is bound."""

from datetime import timedelta

import pytest

from assignment_svc.domain.approval import (
    Approval,
    ApprovalAnswer,
    assignment_subject,
    handoff_subject,
    result_subject,
)
from assignment_svc.domain.states import ApprovalState
from phoenix_runtime.core.json import content_hash
from tests.support.builders.membership import NOW, handoff, task

LATER = NOW + timedelta(seconds=5)


def question(subject_hash: str = "sha256:1", action: str = "assign") -> Approval:
    return Approval(
        "approval.1", "task.1", action, subject_hash, ApprovalState.PENDING, NOW, next_poll_at=NOW
    )


def test_a_pending_question_is_read_again_and_a_decided_one_is_not() -> None:
    pending = question().answered(ApprovalAnswer("approval.1", ApprovalState.PENDING, "sha256:1"))
    assert (pending.decided, pending.next_poll_at) == (False, NOW)
    answer = ApprovalAnswer("approval.1", ApprovalState.APPROVED, "sha256:1", decided_by="human.1")
    decided = question().answered(answer)
    assert (decided.decided, decided.next_poll_at, decided.decided_by) == (True, None, "human.1")


def test_a_withdrawn_question_is_cancelled_at_once() -> None:
    withdrawn = question().polled(LATER).withdrawn(NOW)
    assert (withdrawn.cancel_wanted, withdrawn.next_poll_at, withdrawn.polls) == (True, NOW, 0)
    assert question().unanswerable().decided


def test_an_answer_is_bound_to_target_and_epoch() -> None:
    subject = assignment_subject(task(), "agent.a")
    approval = question(subject.hash)
    assert approval.about(subject)
    assert not approval.about(assignment_subject(task(), "agent.b"))
    assert not approval.about(assignment_subject(task(epoch=2), "agent.a"))


@pytest.mark.parametrize("target", ["agent.b", "agent.c"])
def test_an_answer_about_a_handoff_counts_for_no_assignment(target: str) -> None:
    subject = handoff_subject(handoff(), target)
    assert subject.handoff_id == "handoff.1"
    assert question(subject.hash, "handoff").about(subject)
    assert not question(subject.hash, "assign").about(subject)


def test_a_result_is_its_own_subject() -> None:
    result = {"merge": True}
    subject = result_subject(task(), result, content_hash(result))
    assert (subject.content, subject.hash) == (result, content_hash(result))
