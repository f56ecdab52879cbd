"""Whose fault it was: what the tries of one task say about each who tried it (Attribution)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance_svc.domain.trust.evidence import Evidence
from governance_svc.domain.trust.projection import TrustProjection, project_all
from phoenix_runtime.core.events import AuditEvent
from tests.support.builders.audit_events import NOON, audit_event
from tests.unit.governance.test_trust import NEWCOMER, SCORER, component

Try = tuple[str, str]
"""A participant, and how its try ended: one of `ENDS`."""

ENDS = {
    "succeeds": ("TASK_SUCCEEDED", ""),
    "retries": ("TASK_RETRIED", "retryable_failure"),
    "fails": ("TASK_FAILED", "final_failure"),
    "blames the input": ("TASK_FAILED", "input_at_fault"),
    "retries and blames the input": ("TASK_RETRIED", "input_at_fault"),
    "dies": ("TASK_MIGRATING", "participant_failed"),
    "is the last one taken": ("TASK_FAILED", "owners_lost"),
    "declines": ("TASK_DECLINED", "declined"),
    "is asked to hand off": ("TASK_MIGRATING", "requested"),
}


def history(*tries: Try, task: str = "task.1") -> list[AuditEvent]:
    """The events of one task."""
    made = []
    for number, (who, how) in enumerate(tries):
        kind, reason = ENDS[how]
        at = NOON + timedelta(seconds=number)
        event_id = f"event.{task}.{number}"
        fields: dict[str, Any] = {"participant": who, "task": task, "reason_code": reason}
        made.append(audit_event("t", type=kind, timestamp=at, event_id=event_id, **fields))
    return made


def said(*tries: Try) -> dict[str, str]:
    """What is on record about each participant after one task."""
    found = {}
    for name, projection in project_all(history(*tries)).items():
        items = (*projection.outcomes, *projection.excused)
        assert len(items) == 1, "a task is one piece of evidence"
        found[name] = items[0].outcome
    return found


@pytest.mark.parametrize(
    ("tries", "expected"),
    [
        ([("p", "retries"), ("p", "retries"), ("p", "fails")], {"p": "failed"}),
        ([("p", "retries"), ("p", "succeeds")], {"p": "succeeded"}),
        ([("p", "dies"), ("p", "succeeds")], {"p": "succeeded"}),
        ([("p", "declines"), ("p", "declines")], {"p": "declined"}),
        ([("p", "retries"), ("p", "declines")], {"p": "failed"}),
        ([("p", "declines"), ("p", "retries")], {"p": "failed"}),
        ([("p", "is asked to hand off"), ("q", "succeeds")], {"q": "succeeded"}),
    ],
)
def test_all_tries_at_one_participant_are_one_piece_of_evidence(
    tries: list[Try], expected: dict[str, str]
) -> None:
    assert said(*tries) == expected


@pytest.mark.parametrize(
    ("tries", "expected"),
    [
        ([("p", "retries"), ("q", "fails")], {"p": "task_at_fault", "q": "task_at_fault"}),
        ([("p", "dies"), ("q", "fails")], {"p": "task_at_fault", "q": "task_at_fault"}),
        (
            [("p", "retries"), ("q", "declines"), ("r", "fails")],
            {"p": "task_at_fault", "q": "task_at_fault", "r": "task_at_fault"},
        ),
        ([("p", "retries"), ("q", "declines")], {"p": "failed", "q": "declined"}),
    ],
)
def test_a_task_that_fails_with_several_takes_back_what_it_said_against_them(
    tries: list[Try], expected: dict[str, str]
) -> None:
    assert said(*tries) == expected


@pytest.mark.parametrize(
    ("tries", "expected"),
    [
        ([("p", "retries"), ("q", "succeeds")], {"p": "failed", "q": "succeeded"}),
        (
            [("p", "retries"), ("q", "retries"), ("r", "succeeds")],
            {"p": "failed", "q": "failed", "r": "succeeded"},
        ),
        ([("p", "dies"), ("q", "succeeds")], {"p": "lost", "q": "succeeded"}),
    ],
)
def test_whoever_fails_what_another_completes_is_at_fault(
    tries: list[Try], expected: dict[str, str]
) -> None:
    assert said(*tries) == expected


@pytest.mark.parametrize(
    ("tries", "expected"),
    [
        ([("p", "blames the input")], {"p": "input_at_fault"}),
        (
            [("p", "retries"), ("p", "retries and blames the input"), ("p", "blames the input")],
            {"p": "input_at_fault"},
        ),
        (
            [("p", "retries"), ("q", "blames the input")],
            {"p": "task_at_fault", "q": "input_at_fault"},
        ),
        (
            [("p", "retries and blames the input"), ("q", "succeeds")],
            {"p": "failed", "q": "succeeded"},
        ),
    ],
)
def test_a_failure_of_the_input_does_not_count_unless_somebody_completes_the_task(
    tries: list[Try], expected: dict[str, str]
) -> None:
    assert said(*tries) == expected


def test_a_task_that_takes_its_owners_speaks_against_itself() -> None:
    taken = [("p", "dies"), ("q", "dies"), ("r", "is the last one taken")]
    assert said(*taken) == dict.fromkeys("pqr", "task_at_fault")
    assert said(("p", "dies"), ("p", "is the last one taken")) == {"p": "task_at_fault"}
    assert said(("p", "dies")) == {"p": "lost"}


@pytest.mark.parametrize(("state", "counts"), [("assigned", False), ("active", True)])
def test_a_deadline_that_passes_before_the_start_counts_against_nobody(
    state: str, *, counts: bool
) -> None:
    fields = {"participant": "p", "task": "task.1", "previous_state": state}
    event = audit_event("t", type="TASK_FAILED", reason_code="deadline", **fields)
    found = project_all([event]).get("p", TrustProjection())
    assert [one.outcome for one in found.outcomes] == ["failed"] * counts


def test_the_same_denied_action_of_one_task_is_one_denial_of_the_actor() -> None:
    def denied(name: str, task: str = "task.1", **fields: Any) -> AuditEvent:
        given = {"type": "ACTION_DENIED", "participant": "p", "actor": "p", "task": task}
        return audit_event("t", detail={"name": name}, **{**given, **fields})

    again = project_all([denied("merge"), denied("merge"), denied("merge")])["p"]
    assert len(again.denials) == 1
    others = [denied("merge"), denied("delete"), denied("merge", "task.2")]
    assert len(project_all(others)["p"].denials) == 3
    misused = {"type": "ACCESS_REFUSED", "reason_code": "credential_misused"}
    assert len(project_all([denied("x", **misused), denied("x", **misused)])["p"].denials) == 2
    assert project_all([denied("merge", actor="q")])["p"].denials == ()
    assert project_all([denied("merge", reason_code="outcome_unknown")])["p"].denials == ()


def evidence_of(projection: TrustProjection) -> Evidence:
    return replace(NEWCOMER, outcomes=projection.outcomes, excused=projection.excused)


def test_the_sentence_says_what_is_not_counted_and_cites_it() -> None:
    events = [
        *history(("p", "succeeds"), task="task.1"),
        *history(("p", "retries"), ("q", "fails"), task="task.2"),
        *history(("p", "blames the input"), task="task.3"),
    ]
    score = SCORER.score(evidence_of(project_all(events)["p"]))
    (term,) = [one for one in score.terms if one.name == "historical_reliability"]
    assert term.because == (
        "1 of 1 tasks succeeded; not counted: "
        "1 that failed with several participants, 1 whose input is at fault"
    )
    assert set(term.evidence) == {"event.task.1.0", "event.task.2.0", "event.task.3.0"}
    assert term.value > component(SCORER.score(NEWCOMER), term.name)


HISTORIES = st.lists(st.tuples(st.sampled_from("pqr"), st.sampled_from(sorted(ENDS))), max_size=12)


@given(HISTORIES)
def test_nobody_is_blamed_twice_for_a_task_nor_for_what_nobody_could_do(tries: list[Try]) -> None:
    projections = project_all(history(*tries))
    blamed = {
        name
        for name, one in projections.items()
        if any(outcome.outcome in {"failed", "lost"} for outcome in one.outcomes)
    }
    completed = any(how == "succeeds" for _, how in tries)
    assert completed or len(blamed) <= 1
    assert all(len(one.outcomes) + len(one.excused) <= 1 for one in projections.values())
