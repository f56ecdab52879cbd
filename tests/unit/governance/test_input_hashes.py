"""The hashes of a batch are those of its inputs, one by one."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance_svc.domain.policy.input_hashes import input_hashes
from phoenix_runtime.core.json import NotCanonical, content_hash

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e20, 1e20) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text() | st.sampled_from(["caller", "trust"]), VALUES, max_size=5)


@given(st.lists(OBJECTS, max_size=4), VALUES)
def test_each_hash_is_that_of_the_whole_input(inputs: list[dict[str, Any]], same: Any) -> None:
    batch = [{**one, "same": same} for one in inputs]
    assert list(input_hashes(batch)) == [content_hash(one) for one in batch]


def test_the_first_input_without_a_form_is_told_by_what_came_before_it() -> None:
    hashes: list[str] = []
    with pytest.raises(NotCanonical):
        hashes.extend(input_hashes([{"a": 1}, {"a": math.nan}, {}]))
    assert len(hashes) == 1
