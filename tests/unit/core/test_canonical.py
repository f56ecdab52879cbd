"""The quick way to the canonical form writes the same bytes as the library that is known for it."""

import json
import math
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from phoenix_runtime.core.json import Json, NotCanonical, canonical, parsed, parsed_canonical

numbers = st.one_of(
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-10, 10),
    st.integers(-(10**17), 10**17).map(float),
)
leaves = st.one_of(st.none(), st.booleans(), numbers, st.text())
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner), st.lists(inner).map(tuple), st.dictionaries(st.text(), inner)
    ),
    max_leaves=20,
)


@given(values)
def test_every_value_looks_as_the_reference_writes_it(value: Json) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("number", [2**53, -(2**53), 2**60, 10**20, 10**22, int(6.02e23)])
def test_an_integer_that_a_double_carries_exactly_looks_as_that_double(number: int) -> None:
    assert canonical({"n": [number]}) == rfc8785.dumps({"n": [float(number)]})


@pytest.mark.parametrize("number", [-0.0, 1e-7, 1e-6, 1e-4, 1e15, 1e16, 1e21, 333333333.3333332])
def test_numbers_at_the_borders_of_both_notations(number: float) -> None:
    assert canonical([number]) == rfc8785.dumps([number])


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        2**53 + 1,
        -(10**23),
        10**400,
        "\ud800",
        {"\ud800": 1},
        {1: 2},
        [object()],
    ],
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(NotCanonical):
        canonical(value)  # type: ignore[arg-type]  # that is the point


@given(values)
def test_what_is_read_from_a_canonical_form_has_the_same_again(value: Json) -> None:
    text = canonical(value).decode()
    assert canonical(parsed(text)).decode() == text
    assert canonical(parsed_canonical(text)).decode() == text


@given(
    values,
    st.fixed_dictionaries(
        {
            "indent": st.sampled_from([None, 1]),
            "ensure_ascii": st.booleans(),
            "sort_keys": st.booleans(),
        }
    ),
)
def test_of_all_texts_of_a_value_the_canonical_one_alone_is_read_strictly(
    value: Json, spelling: dict[str, Any]
) -> None:
    text = json.dumps(value, separators=(",", ":"), **spelling)
    try:
        read = parsed_canonical(text)
    except NotCanonical:
        assert text != canonical(value).decode()
    else:
        assert canonical(read).decode() == text == canonical(value).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{} {}",
        " {}",
        "{}\n",
        "\ufeff{}",
        "'a'",
        '{"a":1,"a":1}',
        '{"a":1,"a":2}',
        '{"b":1,"a":2}',
        '{"a": 1}',
        '{"ä":1,"a":2}',
        '{"\uffff":1,"\U00010000":2}',
        "[1.0]",
        "[-0]",
        "[-0.0]",
        "[01]",
        "[1e2]",
        "[1E+30]",
        "[1e16]",
        "[0.10]",
        "[1e-4]",
        "[9007199254740993]",
        "[1152921504606846976]",
        "[1e400]",
        "[" + "9" * 5000 + "]",
        "[NaN]",
        "[-Infinity]",
        '["\\u0041"]',
        '["\\u001F"]',
        '["\\/"]',
        '["\\ud800"]',
        '["\t"]',
        "[" * 100_000,
    ],
)
def test_a_text_that_is_not_canonical_is_not_read_strictly(text: str) -> None:
    with pytest.raises(NotCanonical):
        parsed_canonical(text)


def test_what_contains_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(NotCanonical):
        canonical(endless)  # type: ignore[arg-type]  # that is the point
