"""JSON texts between services: what is written is read, what is none is refused, alike is once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_runtime.chassis.rpc.json_texts import (
    DEEPEST,
    batch_inputs,
    batch_text,
    json_text,
    json_value,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)
INPUTS = st.dictionaries(st.sampled_from(["task", "candidate", "é", "score"]), VALUES)


@given(VALUES)
def test_a_value_is_read_as_it_was_written(value: Any) -> None:
    assert json_value(json_text(value)) == value


@given(st.lists(INPUTS, min_size=1, max_size=4))
def test_a_batch_is_read_as_it_was_written(inputs: list[Any]) -> None:
    assert list(batch_inputs(batch_text(inputs))) == inputs


def test_objects_that_all_inputs_have_alike_are_one_object() -> None:
    inputs = [{"one": {"id": n}, "all": {"a": [1]}, "text": "same"} for n in range(3)]
    text = batch_text(inputs)
    assert text.startswith(b'{"common":{"all":{"a":[1]}},"inputs":[{"one":{"id":0},"text":"same"}')
    first, *others = batch_inputs(text)
    assert all(one["all"] is first["all"] for one in others)


def test_what_is_alike_to_python_alone_is_not_shared() -> None:
    inputs: list[Any] = [{"of": {"n": 1}}, {"of": {"n": True}}]
    read = batch_inputs(batch_text(inputs))
    assert [type(one["of"]["n"]) for one in read] == [int, bool]  # type: ignore[index, call-overload]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_has_no_text_is_not_written(value: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # of the standard library
        json_text({"a": value})


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[]",
        b'{"inputs":{}}',
        b'{"inputs":[1]}',
        b'{"inputs":[],"point":"task.assign"}',
        b'{"common":[],"inputs":[{}]}',
        b'{"inputs":[{"a":NaN}]}',
        b'{"inputs":[{"a":"\xff"}]}',
        b'{"inputs":[{"a":"\\ud800"}]}',
    ],
)
def test_what_is_no_batch_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # of orjson or ours
        batch_inputs(text)


@pytest.mark.parametrize("levels", [DEEPEST + 1, 1000, 100_000])
def test_what_is_nested_deeper_than_a_message_is_refused(levels: int) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # of orjson or ours
        json_value(b"[" * levels + b"]" * levels)
    assert json_value(b"[" * DEEPEST + b"]" * DEEPEST)
