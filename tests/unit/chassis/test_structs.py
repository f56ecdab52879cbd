"""Structs and JSON: the fast conversions say the same as protobuf's own."""

import math
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from phoenix_runtime.chassis.rpc.structs import json_to_struct, struct_to_json, structs_to_json
from phoenix_runtime.core.errors import FieldInvalid

VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=5)


def by_protobuf(value: dict[str, Any]) -> struct_pb2.Struct:
    """The Struct that protobuf's own conversion makes."""
    made = struct_pb2.Struct()
    made.update(value)
    return made


@given(OBJECTS)
def test_conversions_say_what_protobuf_says(value: dict[str, Any]) -> None:
    made = json_to_struct(value)
    assert made == by_protobuf(value)
    assert repr(struct_to_json(made)) == repr(json_format.MessageToDict(made))


@given(st.lists(OBJECTS, max_size=4), OBJECTS)
def test_what_several_hold_alike_is_one_object(values: list[dict[str, Any]], same: Any) -> None:
    structs = [json_to_struct({**one, "same": same}) for one in values]
    found = structs_to_json(structs, str)
    assert list(found) == [struct_to_json(one) for one in structs]
    assert len({id(one["same"]) for one in found}) <= 1


def test_true_is_no_number_where_objects_are_compared() -> None:
    flag, one = structs_to_json(
        [json_to_struct({"a": {"b": True}}), json_to_struct({"a": {"b": 1}})], str
    )
    assert repr(flag) == "{'a': {'b': True}}"
    assert repr(one) == "{'a': {'b': 1.0}}"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_of_json_is_refused_both_ways(number: float) -> None:
    with pytest.raises(ValueError, match="no NaN"):
        json_to_struct({"a": [number]})
    made = struct_pb2.Struct()
    made.fields["a"].number_value = number
    with pytest.raises(FieldInvalid, match=r"inputs\[1\]"):
        structs_to_json([struct_pb2.Struct(), made], lambda index: f"inputs[{index}]")


def test_every_kind_of_mapping_and_sequence_is_taken_and_nothing_else() -> None:
    assert struct_to_json(json_to_struct({"a": (1, frozenset({"x"})), "b": {}, "c": []})) == {
        "a": [1, ["x"]],
        "b": {},
        "c": [],
    }
    with pytest.raises(TypeError, match="no object"):
        json_to_struct({"a": object()})
