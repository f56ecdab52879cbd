"""What each audit event says for or against a participant."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance_svc.domain.trust.evidence import HealthSummary, TaskOutcome
from governance_svc.domain.trust.projection import (
    EVIDENCE_TYPES,
    MAX_ITEMS,
    TrustFold,
    TrustProjection,
    project,
    project_all,
    tries_of,
)
from governance_svc.store.trust_documents import document_of, projection_of
from tests.support.builders.audit_events import NOON, audit_event


def of(kind: str, **fields: Any) -> Any:
    return audit_event("t", type=kind, **{"participant": "p", **fields})


REGISTERED = of(
    "PARTICIPANT_REGISTERED",
    event_id="event.1",
    detail={
        "identity": {"assurance": "local"},
        "owner": "acme",
        "claims": {"trust_policy": "regulated", "trust_score": 0.99},
        "grants": {"capabilities": ["a"]},
    },
)


def test_a_registration_proves_an_identity_and_claims_prove_nothing() -> None:
    found = project(TrustProjection(), REGISTERED)
    assert (found.method, found.owner, found.registration) == ("local", "acme", "event.1")
    assert (found.trust_policy, found.capabilities) == ("regulated", ("a",))


def test_an_update_changes_what_is_granted_alone() -> None:
    update = of("CAPABILITIES_UPDATED", detail={"new": {"capabilities": ["a", "b"]}})
    found = project(project(TrustProjection(), REGISTERED), update)
    assert (found.capabilities, found.registration) == (("a", "b"), "event.1")


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (of("TASK_SUCCEEDED"), "succeeded"),
        (of("TASK_FAILED", reason_code="final_failure"), "failed"),
        (of("TASK_RETRIED", reason_code="retryable_failure"), "failed"),
        (of("TASK_MIGRATING", reason_code="participant_failed"), "lost"),
        (of("TASK_MIGRATING", reason_code="participant_retirement"), None),
        (of("TASK_MIGRATING", reason_code="requested"), None),
        (of("TASK_ORPHANED", reason_code="participant_left"), "lost"),
        (of("TASK_DECLINED", reason_code="start_timeout"), "declined"),
        (of("HANDOFF_DECLINED", reason_code="declined"), "declined"),
        (of("TASK_CANCELLED"), None),
    ],
)
def test_how_a_task_ended_for_it(event: Any, outcome: str | None) -> None:
    assert [item.outcome for item in project(TrustProjection(), event).outcomes] == [
        outcome
    ] * bool(outcome)


@pytest.mark.parametrize(
    ("event", "severity"),
    [
        (of("ACTION_DENIED", actor="p"), "medium"),
        (of("ACCESS_REFUSED", actor="p", reason_code="credential_misused"), "high"),
        (of("ACCESS_REFUSED", actor="p", reason_code="stale_epoch"), "low"),
        (of("POLICY_DENIED", actor="p"), "low"),
        (of("POLICY_DENIED", actor="somebody.else"), None),
        (of("ASSIGNMENT_DENIED", actor="p"), None),
    ],
)
def test_only_denials_as_actor_count(event: Any, severity: str | None) -> None:
    assert [d.severity for d in project(TrustProjection(), event).denials] == [severity] * bool(
        severity
    )


def test_beats_and_reviews() -> None:
    beats = of("PARTICIPANT_HEALTH", detail={"beats_due": 15, "beats_kept": 12})
    nothing = of("PARTICIPANT_HEALTH", detail={"beats_due": 0, "beats_kept": 0})
    no = of("APPROVAL_DECIDED", new_state="rejected")
    found = project(project(project(TrustProjection(), beats), nothing), no)
    assert [(h.due, h.kept) for h in found.health] == [(15, 12)]
    assert [review.approved for review in found.reviews] == [False]


def test_only_the_newest_evidence_is_kept() -> None:
    projection = TrustProjection()
    events = [of("TASK_SUCCEEDED") for _ in range(MAX_ITEMS + 5)]
    for event in events:
        projection = project(projection, event)
    assert [item.event_id for item in projection.outcomes] == [e.event_id for e in events[5:]]


KINDS = st.sampled_from([*EVIDENCE_TYPES, "TASK_SUBMITTED"])


WHO = st.sampled_from(["p", "q", "r", ""])
TASKS = st.sampled_from(["", "task.1", "task.2"])
REASONS = st.sampled_from(["participant_failed", "input_at_fault", "owners_lost", "final_failure"])


@given(st.lists(st.tuples(KINDS, WHO, TASKS, REASONS)), st.data())
def test_projecting_in_steps_through_the_table_is_projecting_at_once(
    drawn: list[tuple[str, str, str, str]], data: st.DataObject
) -> None:
    events = [
        of(
            kind,
            participant=who,
            actor=who or "x",
            task=task,
            reason_code=reason,
            timestamp=NOON,
            new_state="approved",
            detail={"beats_due": 4, "beats_kept": 3},
        )
        for kind, who, task, reason in drawn
    ]
    cut = data.draw(st.integers(0, len(events)))
    stored = {name: document_of(one) for name, one in project_all(events[:cut]).items()}
    before = {name: projection_of(document) for name, document in stored.items()}
    fold = TrustFold(before, tries_of(events[:cut]))
    for event in events[cut:]:
        fold.apply(event)
    assert fold.projections == project_all(events)


def test_documents_of_the_first_release_are_read() -> None:
    document = (
        '{"method":"local","owner":"acme","registration":"event.1","trust_policy":"",'
        '"capabilities":["a"],"outcomes":[["failed","2026-01-01T12:00:00+00:00","event.2"]],'
        '"denials":[],"health":[[15,12,"2026-01-01T12:00:00+00:00","event.3"]],"reviews":[]}'
    )
    projection = projection_of(document)
    assert projection.outcomes == (TaskOutcome("failed", NOON, "event.2"),)
    assert projection.health == (HealthSummary(15, 12, NOON, "event.3"),)
    assert projection.excused == ()
    assert projection_of(document_of(projection)) == projection
