"""What meets an obligation is evidence: a decision in a context, or an approval that was used."""

from dataclasses import replace

import pytest

from assignment_svc.domain.context import ContextPointer
from assignment_svc.domain.obligations import (
    UsedApproval,
    awaits_approval,
    met_by_approvals,
    met_by_decisions,
    newly_met,
    unmet,
    with_obligations,
)
from assignment_svc.domain.task import Task, TaskObligation
from assignment_svc.domain.task_transitions import checkpointed, recorded
from phoenix_runtime.core.verdict import ALWAYS, APPROVAL, BEFORE_COMPLETE, Obligation
from tests.support.builders.membership import NOW, task, verdict

WHY = TaskObligation("why", "Say why.", BEFORE_COMPLETE, "opa.dec.1")
SEEN = replace(WHY, id="seen", text="See it.", met_by=APPROVAL, action="publish")
CARE = TaskObligation("care", "Take care.", ALWAYS, "opa.dec.1")
OWED = task(obligations=(WHY, SEEN, CARE))
POINTER = ContextPointer("task.1", 3, "sha256:0", 12, "agent.a", 1, NOW)
ADDRESS = "phoenix://state/task.1/3"


def met(one: Task) -> dict[str, str]:
    return {o.id: o.evidence for o in one.obligations if o.fulfilled}


def test_a_decision_in_a_context_meets_its_obligation_and_the_context_is_the_evidence() -> None:
    assert met(met_by_decisions(OWED, ["why"], POINTER)) == {"why": ADDRESS}
    after = checkpointed(OWED, POINTER, ["why", "nobody asked for this"])
    assert (met(after), after.pointer) == ({"why": ADDRESS}, POINTER)


def test_a_decision_meets_neither_what_an_approval_meets_nor_what_is_due_always() -> None:
    assert met_by_decisions(OWED, ["seen", "care"], POINTER) is OWED


@pytest.mark.parametrize(
    ("used", "found"),
    [
        ([], {}),
        ([UsedApproval("merge", "approval.1")], {}),
        ([UsedApproval("publish", "approval.1")], {"seen": "approval.1"}),
        (
            [UsedApproval("publish", "approval.1"), UsedApproval("publish", "approval.2")],
            {"seen": "approval.1"},
        ),
    ],
)
def test_an_approval_that_was_used_meets_what_asks_for_its_action(
    used: list[UsedApproval], found: dict[str, str]
) -> None:
    assert met(met_by_approvals(OWED, used)) == found
    assert awaits_approval(OWED)
    assert not awaits_approval(task(obligations=(WHY, CARE)))


def test_what_is_met_stays_met_by_what_met_it_first() -> None:
    once = recorded(met_by_decisions(OWED, ["why"], POINTER), version=4, event_id="event.4", at=NOW)
    again = met_by_decisions(once, ["why"], replace(POINTER, version=4))
    assert met(checkpointed(again, replace(POINTER, version=5), [])) == {"why": ADDRESS}
    later = recorded(again, version=5, event_id="event.5", at=NOW)
    assert [o.met_event_id for o in later.obligations] == ["event.4", "", ""]


def test_what_was_met_before_evidence_was_kept_stays_as_it_is() -> None:
    old = task(obligations=(replace(WHY, fulfilled=True),))
    after = recorded(old, version=2, event_id="event.2", at=NOW)
    assert after.obligations == old.obligations
    assert list(unmet(old, ["why"])) == []


def test_an_event_says_what_its_step_met_and_by_what() -> None:
    after = met_by_approvals(
        met_by_decisions(OWED, ["why"], POINTER), [UsedApproval("publish", "approval.1")]
    )
    assert newly_met(OWED, after) == [
        {"id": "why", "met_by": "decision", "action": "", "evidence": ADDRESS},
        {"id": "seen", "met_by": "approval", "action": "publish", "evidence": "approval.1"},
    ]
    assert newly_met(after, after) == []
    assert newly_met(None, OWED) == []


@pytest.mark.parametrize(
    ("reported", "said"),
    [
        ("why", 'checkpoint a context by value whose decisions hold {"obligation": "why", '),
        ("seen", "a human has to approve publish, and the approval has to be used"),
        ("care", "care is due always: it holds until the task ends"),
        ("other", "other is no obligation of this task; it has care, seen, why"),
    ],
)
def test_somebodys_word_is_answered_by_what_would_meet_the_obligation(
    reported: str, said: str
) -> None:
    (violation,) = unmet(OWED, [reported, reported])
    assert violation.field == "fulfilled_obligations"
    assert said in violation.text


def test_the_content_behind_a_reference_is_not_read_and_that_is_said() -> None:
    (violation,) = unmet(OWED, ["why"], by_reference=True)
    assert "the content behind a reference is not read" in violation.text
    assert "it has none" in next(unmet(task(), ["why"])).text


def test_what_meets_an_obligation_is_taken_from_the_verdict() -> None:
    asked = Obligation("seen", "See it.", BEFORE_COMPLETE, APPROVAL, "publish")
    (owed,) = with_obligations((), replace(verdict(), obligations=(asked,)))
    assert (owed.met_by, owed.action, owed.decision_id) == (APPROVAL, "publish", "decision.2")
    assert with_obligations((SEEN,), replace(verdict(), obligations=(asked,))) == (SEEN,)
