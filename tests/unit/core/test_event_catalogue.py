"""The catalogue has one row for each event type, and its columns agree with each other."""

import pytest

from phoenix_runtime.core.event_catalogue import (
    CATALOGUE,
    ENTRIES,
    OUTCOMES,
    Entry,
    Ownership,
    TrustEvidence,
    Wakes,
    waking,
    with_ownership,
)
from phoenix_runtime.core.events import AuditEventType


def test_every_event_type_has_exactly_one_row() -> None:
    assert [entry.type for entry in ENTRIES] == list(AuditEventType)
    assert len(CATALOGUE) == len(ENTRIES)


@pytest.mark.parametrize(
    "entry",
    [entry for entry in ENTRIES if entry.ownership in {Ownership.GAINED, Ownership.WRITTEN}],
    ids=lambda entry: entry.type.value,
)
def test_what_gains_a_task_says_under_which_epoch(entry: Entry) -> None:
    if entry.ownership is Ownership.GAINED:
        assert entry.epoch_field in entry.detail


def test_what_wakes_the_engine_is_published() -> None:
    assert {entry.type for entry in ENTRIES if entry.wakes and not entry.bus_events} == set()


def test_the_engine_never_wakes_for_what_only_some_meanings_of_a_bus_event_ask_for() -> None:
    by_name: dict[str, set[tuple[Wakes, ...]]] = {}
    for entry in ENTRIES:
        for name in entry.bus_events:
            by_name.setdefault(name, set()).add(entry.wakes)
    assert {name for name, wakes in by_name.items() if len(wakes) > 1} == set()


def test_a_lost_or_ended_task_is_evidence_unless_somebody_else_ended_it() -> None:
    ends = with_ownership(Ownership.LOST, Ownership.ENDED) - {AuditEventType.TASK_CANCELLED}
    assert {kind for kind in ends if CATALOGUE[kind].evidence not in OUTCOMES} == set()


def test_denials_have_a_severity_and_nothing_else_has() -> None:
    assert TrustEvidence.DENIED_MEDIUM.severity == "medium"
    assert {evidence.severity for evidence in OUTCOMES} == {""}


def test_a_free_seat_is_looked_at_where_a_task_leaves_its_owner() -> None:
    assert {"TASK_DECLINED", "TASK_RETRIED", "TASK_SUCCEEDED"} <= waking(Wakes.CAPACITY)
    assert "APPROVAL_DECIDED" in waking(Wakes.APPROVAL)
