"""What `task.fulfil` makes of a decision, and where it stands in the context."""

from typing import Any

import pytest

from phoenix_dma.briefing import Obligation
from phoenix_dma.cli.tasks import obligation_mark
from phoenix_dma.context import with_decisions
from phoenix_dma.decisions import decision_entry
from phoenix_dma.v1 import common_pb2
from phoenix_dma.wire.json_values import NotJson

OWED = (
    Obligation("why", "Say why.", "before_complete", met_by="decision"),
    Obligation("seen", "See it.", "before_complete", met_by="approval", action="publish"),
    Obligation("care", "Take care.", "always"),
)
ENTRY = {"obligation": "why", "decision": "it scored best"}


def test_an_entry_names_the_obligation_and_the_decision() -> None:
    assert decision_entry(OWED, "why", "it scored best") == ENTRY
    assert decision_entry(OWED, "why", {"score": 3})["decision"] == {"score": 3}


@pytest.mark.parametrize(
    ("name", "decision", "said"),
    [
        ("other", "d", "no obligation of this task; it has care, seen, why"),
        ("care", "d", "due always"),
        ("seen", "d", "a human has approved publish"),
        ("why", " ", "say what was decided"),
        ("why", None, "say what was decided"),
        ("why", [], "say what was decided"),
    ],
)
def test_what_no_decision_meets_is_said_at_once(name: str, decision: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        decision_entry(OWED, name, decision)


def test_a_decision_without_a_form_in_json_is_refused() -> None:
    with pytest.raises(NotJson, match="decision"):
        decision_entry(OWED, "why", object())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, [ENTRY]),
        ({"decisions": ["earlier"]}, ["earlier", ENTRY]),
        ({"decisions": {"one": 1}}, [{"one": 1}, ENTRY]),
    ],
)
def test_new_entries_stand_behind_what_is_there(before: dict[str, Any], after: list[Any]) -> None:
    assert with_decisions({"outputs": 1, **before}, [ENTRY]) == {"outputs": 1, "decisions": after}
    assert with_decisions(before, []) is before


@pytest.mark.parametrize(
    ("fields", "mark"),
    [
        ({"fulfilled": True, "evidence": "approval.1"}, "met by approval.1"),
        ({"fulfilled": True}, "met"),
        ({"due": "always"}, "holds until the task ends"),
        (
            {"met_by": "approval", "action": "publish"},
            "open, due before_complete, met by a human's approval of publish, used",
        ),
        ({}, "open, due before_complete, met by a decision in the context that names it"),
    ],
)
def test_tasks_show_says_what_met_an_obligation_or_would(fields: dict[str, Any], mark: str) -> None:
    said: dict[str, Any] = {"id": "o", "due": "before_complete", "met_by": "decision", **fields}
    assert obligation_mark(common_pb2.Obligation(**said)) == mark
