"""Who holds a task, and what belongs to it, from the audit alone."""

import pytest

from governance_svc.domain.ledger.lineage import family, holder
from phoenix_runtime.core.events import AuditEvent
from tests.support.builders.audit_events import audit_event


def audit_trail(*steps: tuple[str, str, dict[str, str]]) -> list[AuditEvent]:
    return [
        audit_event("t", type=kind, participant=who, detail=detail) for kind, who, detail in steps
    ]


@pytest.mark.parametrize(
    ("steps", "holds"),
    [
        ([], ""),
        ([("ASSIGNMENT_CREATED", "a", {})], "a"),
        ([("ASSIGNMENT_CREATED", "a", {}), ("TASK_DECLINED", "a", {})], ""),
        ([("ASSIGNMENT_CREATED", "a", {}), ("TASK_MIGRATING", "a", {})], ""),
        (
            [
                ("ASSIGNMENT_CREATED", "a", {}),
                ("TASK_MIGRATING", "a", {}),
                ("HANDOFF_COMPLETED", "b", {}),
            ],
            "b",
        ),
        (
            [
                ("ASSIGNMENT_CREATED", "a", {}),
                ("TASK_MIGRATING", "a", {}),
                ("HANDOFF_ABORTED", "a", {"task_status": "active"}),
            ],
            "a",
        ),
        (
            [
                ("ASSIGNMENT_CREATED", "a", {}),
                ("TASK_MIGRATING", "a", {}),
                ("HANDOFF_ABORTED", "a", {"task_status": "cancelled"}),
            ],
            "",
        ),
        (
            [
                ("ASSIGNMENT_CREATED", "a", {}),
                ("TASK_ORPHANED", "a", {}),
                ("TASK_RESUMED", "a", {}),
            ],
            "a",
        ),
    ],
)
def test_the_holder_follows_from_what_gave_and_took(
    steps: list[tuple[str, str, dict[str, str]]], holds: str
) -> None:
    assert holder(audit_trail(*steps)) == holds


def test_an_offer_gives_nothing() -> None:
    steps = audit_trail(("ASSIGNMENT_CREATED", "a", {}), ("HANDOFF_OFFERED", "b", {}))
    assert holder(steps) == "a"


def submitted(task: str, parent: str = "") -> AuditEvent:
    return audit_event("t", task=task, detail={"task": {"parent_task_id": parent}}, actor="sam")


def test_a_family_is_the_task_and_all_below_it() -> None:
    known = [submitted("root"), submitted("a", "root"), submitted("b", "root"), submitted("c", "a")]
    found = family("a", known)
    assert found is not None
    assert (found.tasks, found.root) == (("a", "c"), False)
    whole = family("root", known)
    assert whole is not None
    assert (set(whole.tasks), whole.root) == ({"root", "a", "b", "c"}, True)
    assert family("unrelated", known) is None


def test_a_task_that_names_itself_as_parent_does_not_loop() -> None:
    found = family("a", [submitted("a", "b"), submitted("b", "a")])
    assert found is not None
    assert set(found.tasks) == {"a", "b"}
