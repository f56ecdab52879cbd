"""What each audit event says for or against a participant."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance_svc.domain.trust.projection import TYPES, WINDOW, Folded, fold, fold_all
from governance_svc.store.evidence_rows import document_of, folded_of
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
    found = fold(Folded(), REGISTERED)
    assert (found.method, found.owner, found.registration) == ("local", "acme", "event.1")
    assert (found.trust_policy, found.capabilities) == ("regulated", ("a",))


def test_an_update_changes_what_is_granted_alone() -> None:
    update = of("CAPABILITIES_UPDATED", detail={"new": {"capabilities": ["a", "b"]}})
    found = fold(fold(Folded(), REGISTERED), update)
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
    assert [item.outcome for item in fold(Folded(), event).outcomes] == [outcome] * bool(outcome)


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
    assert [d.severity for d in fold(Folded(), event).denials] == [severity] * bool(severity)


def test_beats_and_reviews() -> None:
    beats = of("PARTICIPANT_HEALTH", detail={"beats_due": 15, "beats_kept": 12})
    nothing = of("PARTICIPANT_HEALTH", detail={"beats_due": 0, "beats_kept": 0})
    no = of("APPROVAL_DECIDED", new_state="rejected")
    found = fold(fold(fold(Folded(), beats), nothing), no)
    assert [(h.due, h.kept) for h in found.health] == [(15, 12)]
    assert [review.approved for review in found.reviews] == [False]


def test_only_the_newest_evidence_is_kept() -> None:
    folded = Folded()
    events = [of("TASK_SUCCEEDED") for _ in range(WINDOW + 5)]
    for event in events:
        folded = fold(folded, event)
    assert [item.event_id for item in folded.outcomes] == [e.event_id for e in events[5:]]


FOLDED = tuple(kind for kind in TYPES if kind not in {"PARTICIPANT_HEALTH", "CAPABILITIES_UPDATED"})
KINDS = st.sampled_from([*FOLDED, "TASK_SUBMITTED"])


@given(st.lists(st.tuples(KINDS, st.sampled_from(["p", "q", ""]))), st.data())
def test_folding_in_strides_through_the_table_is_folding_at_once(
    told: list[tuple[str, str]], data: st.DataObject
) -> None:
    events = [
        of(kind, participant=who, actor=who or "x", timestamp=NOON, new_state="approved")
        for kind, who in told
    ]
    cut = data.draw(st.integers(0, len(events)))
    known = {name: folded_of(document_of(f)) for name, f in fold_all(events[:cut]).items()}
    for event in events[cut:]:
        if event.participant and event.type in FOLDED:
            known[event.participant] = fold(known.get(event.participant, Folded()), event)
    assert known == fold_all(events)
