"""JSON values as texts inside messages between services, where a `Struct` would cost ten times.

A value of 1.5 kB is converted to a Struct for 150 µs and back for as much, to a text and back for
some 20. What is read here is as strict as a message: valid UTF-8, no NaN, no endless nesting.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from phoenix_runtime.core.json import Json, JsonObject

DEEPEST: Final = 100
"""How deep a message can be nested, and a text as well: whoever walks through it is safe."""
COMMON: Final = "common"
INPUTS: Final = "inputs"
_encoded: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":")
).encode


def json_text(value: Json) -> bytes:
    """``value`` in UTF-8.

    Raises ValueError for NaN, infinities and lone surrogates, TypeError for what is no JSON.
    """
    return _encoded(value).encode()


def json_value(text: bytes) -> Json:
    """The value of a text that somebody else wrote; raises ValueError for what is none."""
    value: Json = orjson.loads(text)
    if text.count(b"{") + text.count(b"[") > DEEPEST:
        _require_shallow(value, DEEPEST)
    return value


def batch_text(inputs: Sequence[JsonObject]) -> bytes:
    """The inputs of a batch as one text; objects that all of them have alike stand in it once.

    Raises what `json_text` raises.
    """
    if len(inputs) == 1:
        return b'{"inputs":[' + json_text(inputs[0]) + b"]}"
    written = [{name: _encoded(value) for name, value in one.items()} for one in inputs]
    common = {
        name: text
        for name, text in (written[0] if written else {}).items()
        if text.startswith("{") and all(one.get(name) == text for one in written)
    }
    own = (_object({name: one[name] for name in one if name not in common}) for one in written)
    return f'{{"{COMMON}":{_object(common)},"{INPUTS}":[{",".join(own)}]}}'.encode()


def batch_inputs(text: bytes) -> tuple[JsonObject, ...]:
    """The inputs of such a text; what they have in common is one object in all of them.

    Raises ValueError for what is no batch.
    """
    batch: Any = json_value(text)
    if type(batch) is not dict or not batch.keys() <= {COMMON, INPUTS}:
        raise ValueError("has not the fields of a batch")
    common, inputs = batch.get(COMMON, {}), batch.get(INPUTS)
    if type(common) is not dict or type(inputs) is not list:
        raise ValueError("has not the fields of a batch")
    if any(type(one) is not dict for one in inputs):
        raise ValueError("an input is no object")
    return tuple({**common, **one} for one in inputs)


def _object(members: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{_encoded(name)}:{text}" for name, text in members.items()) + "}"


def _require_shallow(value: Json, left: int) -> None:
    """Raise ValueError where ``value`` has more than ``left`` levels."""
    if not isinstance(value, dict | list):
        return
    if not left:
        raise ValueError(f"is nested deeper than {DEEPEST} levels")
    for one in value.values() if isinstance(value, dict) else value:
        _require_shallow(one, left - 1)
