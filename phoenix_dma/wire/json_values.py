"""Makes JSON of the values that programs have: what has one obvious form gets it.

The table is in docs/sdk.md, *Results*. A value without an obvious form is refused once, by its path
and type, with what to write instead. numpy and pydantic are recognised, never imported.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import sys
from collections import deque
from collections.abc import ItemsView, Iterable, KeysView, Mapping, ValuesView
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from google.protobuf.message import Message

from phoenix_dma.wire.canonical_json import is_exact
from phoenix_dma.wire.json_advice import advice_on

SMALL: Final = 1 << 53
DEEPEST: Final = 28
"""Levels of nesting at most; protobuf's parsers stop a little later, without naming the place."""
UNKNOWN: Final = object()
"""What a conversion answers for a type that is not its own."""
LISTS: Final = (list, tuple, deque, range, KeysView, ValuesView, ItemsView)


class NotJson(ValueError):
    """A value has no form in JSON that is obvious; ``path`` says where, the text what to write."""

    def __init__(self, path: str, what: str, remedy: str) -> None:
        super().__init__(f"{path} {what}; {remedy}")
        self.path = path
        self.remedy = remedy


class _NoForm(NotJson):
    """The type is not known here."""


class Place:
    """Where a value is; its path is put together only when it is asked for."""

    __slots__ = ("depth", "parent", "part")

    def __init__(self, part: str, parent: Place | None = None) -> None:
        self.part = part
        self.parent = parent
        self.depth: int = 0 if parent is None else parent.depth + 1

    def __str__(self) -> str:
        return self.part if self.parent is None else f"{self.parent}{self.part}"

    def refuse(self, what: str, remedy: str) -> NotJson:
        """The error of the value that is here."""
        return NotJson(str(self), what, remedy)


def json_value(value: Any, path: str = "value") -> Any:
    """``value`` as JSON: dict, list, str, int, float, bool, None. Raises `NotJson`.

    So it does where the value's own code, such as a property, raises whatever it likes.
    """
    try:
        return _convert(value, Place(path))
    except (NotJson, KeyboardInterrupt):
        raise
    except BaseException as error:
        what = f"cannot be read, since its own code raised {type(error).__name__}"
        raise NotJson(path, what, "write a dict of what matters, or a text") from error


def _convert(value: Any, at: Place) -> Any:
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is str:
        return _text(value, at)
    if kind is int or kind is float:
        return _number(value, at)
    if at.depth >= DEEPEST:
        raise at.refuse(
            f"is nested deeper than {DEEPEST} levels, or contains itself",
            "make it flatter, or send the inner part as a text",
        )
    if kind is dict:
        return _object(value, at)
    if kind is list or kind is tuple:
        return _list(value, at)
    return _unusual(value, at)


def _text(value: str, at: Place) -> str:
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise at.refuse(
            "holds a lone surrogate, which is no Unicode text",
            'write value.encode("utf-8", "backslashreplace").decode()',
        )
    return value


def _number(value: float, at: Place) -> float:
    if isinstance(value, int) and -SMALL <= value <= SMALL:
        return value
    if is_exact(value):
        return float(value)
    if isinstance(value, int):
        raise at.refuse(
            "is an int that a double, JSON's number, does not carry exactly", "write str(value)"
        )
    raise at.refuse(f"is the float {value}, which JSON does not have", "write None or a text")


def _object(value: Mapping[Any, Any], at: Place) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, inner in value.items():
        name = key if type(key) is str else _key(key, at)
        here = Place(f".{name}", at)
        if name in made:
            raise here.refuse("is the name of two keys", "give each key a text of its own")
        _text(name, at)
        made[name] = _convert(inner, here)
    return made


def _key(key: Any, at: Place) -> str:
    """The name that a key gets: that of json.dumps, or the key's own text in JSON."""
    try:
        name = _convert(key, at)
    except NotJson:
        name = []
    if isinstance(name, dict | list):
        kind = type(key).__name__
        raise at.refuse(f"has a key that is a {kind}", "write str(key), or a list of pairs")
    return name if isinstance(name, str) else json.dumps(name)


def _list(value: Iterable[Any], at: Place) -> list[Any]:
    return [_convert(item, Place(f"[{index}]", at)) for index, item in enumerate(value)]


def _set(value: Iterable[Any], at: Place) -> list[Any]:
    """Sorted, so that the same set is the same JSON and has the same hash."""
    items = _list(value, at)
    try:
        return sorted(items)
    except TypeError:
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))


def _unusual(value: Any, at: Place) -> Any:
    """Whatever is not one of JSON's own types: subclasses of them, and the types of the table."""
    for convert in (_subclass, _container, _moment, _scalar, _record, _numpy):
        found = convert(value, at)
        if found is not UNKNOWN:
            return found
    raise _NoForm(
        str(at), f"is a {_name(type(value))}, which has no obvious form in JSON", advice_on(value)
    )


def _subclass(value: Any, at: Place) -> Any:
    if isinstance(value, Enum):
        return _convert(value.value, at)
    if isinstance(value, str):
        return _text(str.__str__(value), at)
    if isinstance(value, int):
        return _number(int(value), at)
    return _number(float(value), at) if isinstance(value, float) else UNKNOWN


def _container(value: Any, at: Place) -> Any:
    if isinstance(value, Mapping):
        return _object(value, at)
    if isinstance(value, set | frozenset):
        return _set(value, at)
    return _list(value, at) if isinstance(value, LISTS) else UNKNOWN


def _moment(value: Any, at: Place) -> Any:
    """ISO 8601; a span in seconds, as everywhere in the SDK."""
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise at.refuse(
                "is a datetime without a zone, which every machine would read as another moment",
                "write datetime.now(UTC), or value.replace(tzinfo=UTC) where it is meant in UTC",
            )
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    return value.total_seconds() if isinstance(value, timedelta) else UNKNOWN


def _scalar(value: Any, at: Place) -> Any:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise at.refuse(f"is the Decimal {value}, which JSON does not have", "write None")
        return str(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, PurePath):
        return _text(str(value), at)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    return UNKNOWN


def _record(value: Any, at: Place) -> Any:
    """Dataclasses, attrs classes, models of pydantic, messages of the contract."""
    kind = type(value)
    if callable(getattr(kind, "model_dump", None)):
        return _model(value, at)
    if dataclasses.is_dataclass(kind):
        names = [field.name for field in dataclasses.fields(value)]
    elif hasattr(kind, "__attrs_attrs__"):
        names = [field.name for field in kind.__attrs_attrs__]
    elif isinstance(value, Message):
        # Imported here: that module makes Structs with this one.
        from phoenix_dma.wire.conversions import message_to_dict  # noqa: PLC0415

        return _object(message_to_dict(value), at)
    else:
        return UNKNOWN
    return _object({name: getattr(value, name) for name in names}, at)


def _model(value: Any, at: Place) -> Any:
    """By this table; by the model's own JSON where it holds types that are known to it alone."""
    try:
        try:
            return _convert(value.model_dump(), at)
        except _NoForm:
            return _convert(value.model_dump(mode="json"), at)
    except NotJson:
        raise
    except Exception as error:
        kind = _name(type(value))
        raise at.refuse(f"is a {kind}, and its model_dump failed", str(error)) from error


def _numpy(value: Any, at: Place) -> Any:
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.generic | numpy.ndarray):
        return UNKNOWN
    if value.dtype.kind in "mM":
        raise at.refuse(
            f"is a {_name(type(value))} of {value.dtype}, which has no zone, or no unit",
            "write str(value), or value.astype(datetime).replace(tzinfo=UTC)",
        )
    plain = value.tolist()
    # A scalar that Python has no type for, such as a long double, is its own plain value.
    return UNKNOWN if isinstance(plain, numpy.generic) else _convert(plain, at)


def _name(kind: type) -> str:
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
