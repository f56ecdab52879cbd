"""How often a tool may be called, and what tools are called in the runtime; none is needed."""

from __future__ import annotations

from typing import Any

import pytest
from mcp.types import Tool

from phoenix_dma.adapters.mcp import ToolRule, ToolRules
from phoenix_dma.adapters.mcp.definitions import action_of, capabilities_of, definition_hash


def tool(name: str, description: str = "", **schema: Any) -> Tool:
    return Tool(name=name, description=description, input_schema={"type": "object", **schema})


def listed(*names: str) -> dict[str, Tool]:
    return {name: tool(name) for name in names}


def test_a_bucket_gives_what_it_holds_and_then_as_much_in_its_time() -> None:
    now = 100.0
    rules = ToolRules(otherwise=ToolRule(calls=2, seconds=10), clock=lambda: now)
    assert [rules.take("a"), rules.take("a")] == [0.0, 0.0]
    assert rules.take("a") == pytest.approx(5.0)
    now += 4.0
    assert rules.take("a") == pytest.approx(1.0)
    now += 1.0
    assert rules.take("a") == 0.0
    now += 1000.0
    assert [rules.take("a"), rules.take("a")] == [0.0, 0.0]
    assert rules.take("a") > 0, "it holds no more than at first, however long nobody called"


def test_each_tool_has_a_bucket_of_its_own() -> None:
    rules = ToolRules({"rare": ToolRule(calls=1, seconds=10)}, clock=lambda: 0.0)
    assert rules.take("rare") == 0.0
    assert rules.take("rare") > 0
    assert rules.take("other") == 0.0


def test_a_tool_is_a_capability_under_its_name_in_the_runtimes_letters() -> None:
    assert capabilities_of(listed("Merge-Records", "a.b"), None) == {
        "merge_records": "Merge-Records",
        "a_b": "a.b",
    }


def test_chosen_tools_alone_are_offered_under_the_chosen_names() -> None:
    found = capabilities_of(listed("merge", "drop"), {"merge": "record_merge"})
    assert found == {"record_merge": "merge"}


@pytest.mark.parametrize(
    ("names", "chosen", "text"),
    [
        (["a-b", "a.b"], None, "a_b is a-b and a.b"),
        (["3d"], None, "'3d' is no capability; name one for the tool 3d"),
        (["a"], {"b": "x"}, "the server has no tool b; it has a"),
        (["a"], {"a": "No Name"}, "'No Name' is no capability"),
        ([f"t{number}" for number in range(65)], None, "65 tools; name those that count"),
    ],
)
def test_tools_that_are_no_capabilities_are_named(
    names: list[str], chosen: dict[str, str] | None, text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        capabilities_of(listed(*names), chosen)


def test_a_definition_is_its_name_its_words_and_its_schema() -> None:
    first = definition_hash(tool("a", "does it", properties={"x": {"type": "integer"}}))
    same = definition_hash(tool("a", "does it", properties={"x": {"type": "integer"}}))
    others = [
        tool("b", "does it", properties={"x": {"type": "integer"}}),
        tool("a", "does more", properties={"x": {"type": "integer"}}),
        tool("a", "does it", properties={"x": {"type": "string"}}),
    ]
    assert first == same
    assert first not in {definition_hash(one) for one in others}


@pytest.mark.parametrize(("name", "action"), [("Merge", "merge"), ("a b", "a_b"), ("x/y", "x/y")])
def test_no_other_spelling_of_a_tool_passes_a_rule_about_it(name: str, action: str) -> None:
    assert action_of(name) == action
