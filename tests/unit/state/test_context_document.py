import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from phoenix_runtime.core.errors import FieldInvalid, TooLarge
from phoenix_runtime.core.json import Json, JsonObject, bytes_hash
from phoenix_runtime.core.wire import CONTEXT_KINDS
from state_svc.domain import context, quick_check
from state_svc.domain.context import MOST_VIOLATIONS, context_document
from state_svc.domain.quick_check import DEEPEST
from state_svc.domain.reasoning import looks_private

PRIVATE = [
    "chain_of_thought",
    "chainOfThought",
    "Chain-Of-Thought",
    "chain of thought",
    "scratchpad",
    "agent_scratchpad",
    "hidden_state",
    "hidden_states_layer_3",
    "reasoning_content",
    "thinking",
    "thoughts",
    "inner_monologue",
    "cot",
    "ｔｈｉｎｋｉｎｇ",
]
OPERATIONAL = [
    "reasoning_summaries",
    "reasoning_summary",
    "rationale",
    "decision",
    "state",
    "cotton",
    "thoughtful_note",
    "rethink_deadline",
    "season",
]

names = st.text(alphabet="abcdefgh_", min_size=1, max_size=8).filter(lambda n: not looks_private(n))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-1e15, 1e15)
    | st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20).filter(
        lambda t: "<" not in t
    )
)
values = st.recursive(
    scalars,
    lambda v: st.lists(v, max_size=3) | st.dictionaries(names, v, max_size=3),
    max_leaves=12,
)
documents = st.dictionaries(st.sampled_from(sorted(CONTEXT_KINDS)), values, max_size=5)


def violations_of(document: JsonObject) -> dict[str, str]:
    with pytest.raises(FieldInvalid) as refused:
        context_document(document)
    return {v.field: v.text for v in refused.value.violations}


@given(documents)
def test_every_document_of_the_listed_kinds_is_taken_and_reads_back_the_same(
    document: JsonObject,
) -> None:
    taken = context_document(document)
    assert json.loads(taken.content) == document
    assert taken.hash == bytes_hash(taken.content)
    assert taken.size == len(taken.content)


@given(documents)
def test_the_hash_does_not_depend_on_the_order_of_names(document: JsonObject) -> None:
    turned = dict(reversed(list(document.items())))
    assert context_document(turned).hash == context_document(document).hash


@pytest.mark.parametrize("name", PRIVATE)
def test_private_reasoning_is_refused_by_name_at_any_depth(name: str) -> None:
    document = {"outputs": {"result": [{"trace": {name: "x"}}]}}
    assert list(violations_of(document)) != []
    (field,) = violations_of(document)
    assert field.startswith("context.outputs.result[0].trace.")
    assert "private reasoning" in violations_of(document)[field]


@pytest.mark.parametrize("name", PRIVATE)
def test_private_reasoning_is_refused_at_the_top_as_what_it_is(name: str) -> None:
    texts = violations_of({name: "x"}).values()
    assert all("private reasoning" in text for text in texts)


@pytest.mark.parametrize("name", OPERATIONAL)
def test_operational_names_are_taken(name: str) -> None:
    assert context_document({"outputs": {name: "x"}}).size > 0


def test_blocks_that_are_marked_as_reasoning_are_refused() -> None:
    blocks = [{"type": "thinking", "signature": "x"}, {"type": "text", "text": "fine"}]
    assert list(violations_of({"messages": blocks})) == ["context.messages[0].type"]


def test_text_between_thinking_tags_is_refused() -> None:
    found = violations_of({"messages": [{"content": "<think>they will not see</think> yes"}]})
    assert "private reasoning" in found["context.messages[0].content"]


def test_every_violation_is_named_at_once() -> None:
    found = violations_of(
        {
            "plans": {},
            "outputs": {"scratchpad": 1, "n": float("inf"), "big": 2**60 + 1},
            "messages": "\ud800",
        }
    )
    assert set(found) == {
        "context",
        "context.plans",
        "context.outputs.scratchpad",
        "context.outputs.n",
        "context.outputs.big",
        "context.messages",
    }


def test_a_flood_of_violations_is_counted_and_does_not_grow_the_error() -> None:
    found = violations_of({"outputs": {f"scratchpad_{i}_{'x' * 500}": i for i in range(1000)}})
    assert len(found) == MOST_VIOLATIONS + 1
    assert found["context"] == f"and {1000 - MOST_VIOLATIONS} more violations"
    assert sum(len(field) + len(text) for field, text in found.items()) < 2500


@pytest.mark.parametrize(
    "number", [float("nan"), float("inf"), -float("inf"), 2**53 + 1, -(10**23), 10**400]
)
def test_numbers_that_do_not_survive_their_hash_are_refused(number: float) -> None:
    assert "context.outputs" in violations_of({"outputs": number})


@pytest.mark.parametrize("number", [6.02e23, -1e300, 5e-324, 2**53, 2**60, 10**22])
def test_every_number_that_a_double_carries_exactly_is_taken(number: float) -> None:
    assert context_document({"outputs": number}).size > 0


def test_nesting_has_a_bottom() -> None:
    def nested(levels: int) -> dict[str, Json]:
        value: Json = 1
        for _ in range(levels):
            value = {"inner": value}
        return {"outputs": value}

    assert context_document(nested(DEEPEST - 1)).size > 0
    (field,) = violations_of(nested(DEEPEST))
    assert field.startswith("context.outputs.inner")


def test_a_document_above_the_limit_is_refused_with_its_size() -> None:
    document = {"outputs": "x" * 100}
    size = context_document(document).size
    assert context_document(document, largest=size).size == size
    with pytest.raises(TooLarge) as refused:
        context_document(document, largest=size - 1)
    assert refused.value.facts["limit_bytes"] == str(size - 1)


def test_a_path_in_an_error_is_printable_and_short() -> None:
    found = violations_of({"outputs": {"scratchpad\n\u202e" + "y" * 300: 1}})
    (field,) = found
    assert len(field) <= 64
    assert field.replace("…", "").isascii()
    assert field.isprintable()


anything = st.recursive(
    scalars
    | st.sampled_from(["thinking", "<think>", "\ud800", "text"])
    | st.sampled_from([float("nan"), float("inf"), 2**53 + 1, -(2**60), 6.02e23]),
    lambda v: (
        st.lists(v, max_size=3)
        | st.dictionaries(
            names | st.sampled_from(["type", "cot", "\ud800", *PRIVATE]), v, max_size=3
        )
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from([*sorted(CONTEXT_KINDS), "plans", "cot"]), anything, max_size=3)
)
@example({"outputs": [float("nan")]})
@example({"messages": [{"type": "thinking"}]})
@example({"messages": ["<think>"]})
@example({"outputs": {"\ud800": 1}})
def test_the_quick_look_and_the_thorough_one_agree(document: JsonObject) -> None:
    assert quick_check.is_clean(document) == (not list(context._violations(document)))
