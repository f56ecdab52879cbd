"""Which obligations a context document records decisions for."""

from typing import Any

import pytest

from state_svc.domain.decisions import decided_obligations


@pytest.mark.parametrize(
    ("decisions", "decided"),
    [
        ([{"obligation": "why", "decision": "it scored best"}], ("why",)),
        ([{"obligation": "why", "kind": "rationale", "text": "t"}], ("why",)),
        ([{"obligation": "b", "approved": False}, {"obligation": "a", "count": 0}], ("a", "b")),
        ([{"obligation": "why", "decision": 1}, {"obligation": "why", "decision": 2}], ("why",)),
        ([{"obligation": "why"}], ()),
        ([{"obligation": "why", "decision": " ", "by": "", "of": [], "at": None, "in": {}}], ()),
        ([{"obligation": "", "decision": "d"}, {"obligation": 7, "decision": "d"}], ()),
        ([{"obligation": "x" * 129, "decision": "d"}], ()),
        (["why", {"decision": "d"}, [{"obligation": "why", "decision": "d"}]], ()),
        ({"obligation": "why", "decision": "d"}, ()),
        ("why", ()),
        (None, ()),
    ],
)
def test_an_entry_that_names_its_obligation_and_says_something_is_a_decision(
    decisions: Any, decided: tuple[str, ...]
) -> None:
    assert decided_obligations({"decisions": decisions, "outputs": 1}) == decided


def test_a_context_without_decisions_decides_nothing() -> None:
    assert decided_obligations({"obligations": [{"obligation": "why", "decision": "d"}]}) == ()
