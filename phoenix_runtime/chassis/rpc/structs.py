"""Converts between protobuf's Struct and JSON objects, in half the time of protobuf's own ways."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.protobuf import struct_pb2

from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.json import Json


def struct_to_json(value: struct_pb2.Struct, field: str = "struct") -> dict[str, Json]:
    """A Struct as a JSON object; raises `FieldInvalid` for NaN, infinities and lone surrogates."""
    return structs_to_json([value], lambda _: field)[0]


def structs_to_json(
    values: Sequence[struct_pb2.Struct], field: Callable[[int], str]
) -> tuple[dict[str, Json], ...]:
    """Structs as JSON objects; objects that several of them hold alike are converted once.

    They are one object then, which whoever carries the values on can tell. Raises `FieldInvalid`,
    with ``field`` of the index, as `struct_to_json` does.
    """
    alike: dict[bytes, Json] | None = {} if len(values) > 1 else None
    return tuple(_converted(one, field, index, alike) for index, one in enumerate(values))


def _converted(
    value: struct_pb2.Struct,
    field: Callable[[int], str],
    index: int,
    alike: dict[bytes, Json] | None,
) -> dict[str, Json]:
    try:
        if alike is None:
            return {name: _json(one) for name, one in value.fields.items()}
        return {name: _once(one, alike) for name, one in value.fields.items()}
    except (ValueError, UnicodeError, RecursionError) as error:
        raise FieldInvalid([Violation(field(index), f"is no JSON object: {error}")]) from error


def _once(value: struct_pb2.Value, alike: dict[bytes, Json]) -> Json:
    if value.WhichOneof("kind") != "struct_value":
        return _json(value)
    text = value.SerializeToString(deterministic=True)
    if text not in alike:
        alike[text] = _json(value)
    return alike[text]


def _json(value: struct_pb2.Value) -> Json:
    """As `json_format.MessageToDict` does, in half the time: it looks each field up by name."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return value.string_value
    if kind == "list_value":
        return [_json(one) for one in value.list_value.values]
    if kind == "struct_value":
        return {name: _json(one) for name, one in value.struct_value.fields.items()}
    if kind == "number_value":
        if not math.isfinite(value.number_value):
            raise ValueError("JSON has no NaN and no infinity")
        return value.number_value
    return value.bool_value if kind == "bool_value" else None


def json_to_struct(value: Mapping[str, Json]) -> struct_pb2.Struct:
    """A JSON object as a Struct; integers beyond ±2^53 would lose digits and are refused before."""
    made = struct_pb2.Struct()
    _fill(made, value)
    return made


def _fill(target: struct_pb2.Struct, value: Mapping[str, Any]) -> None:
    for name, one in value.items():
        _set(target.fields[str(name)], one)


def _set(target: struct_pb2.Value, value: Any) -> None:
    """As `Struct.update` does, in half the time, and for every Mapping and Sequence."""
    if isinstance(value, str):
        target.string_value = value
    elif value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        if not math.isfinite(value):
            raise ValueError("JSON has no NaN and no infinity")
        target.number_value = value
    else:
        _set_several(target, value)


def _set_several(target: struct_pb2.Value, value: Any) -> None:
    if isinstance(value, Mapping):
        target.struct_value.SetInParent()
        _fill(target.struct_value, value)
    elif isinstance(value, list | tuple | frozenset | set):
        target.list_value.SetInParent()
        for one in value:
            _set(target.list_value.values.add(), one)
    else:
        raise TypeError(f"JSON has no {type(value).__name__}")
