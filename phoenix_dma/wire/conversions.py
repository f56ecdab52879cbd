"""Converts messages of the contract to plain Python values and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from google.protobuf import duration_pb2, struct_pb2, timestamp_pb2
from google.protobuf.message import Message

from phoenix_dma.wire.json_values import NotJson, json_value

EXACT: Final = 1 << 53
"""Doubles up to this represent every integer; numbers in a Struct are doubles."""


def short(wrapper: Any, value: int) -> str:
    """``TASK_STATUS_ACTIVE`` as ``active``; the unspecified value as the empty string.

    A value that this version does not know is its number as text.
    """
    known = wrapper.DESCRIPTOR.values_by_number.get(value)
    return str(value) if known is None else _short(wrapper.DESCRIPTOR, known.name)


def number(wrapper: Any, name: str) -> Any:
    """``active`` or ``TASK_STATUS_ACTIVE`` as its number; raises ValueError, naming the choices."""
    if not name:
        return 0
    for known in wrapper.DESCRIPTOR.values:
        if name.upper() in {known.name, _short(wrapper.DESCRIPTOR, known.name).upper()}:
            return known.number
    raise ValueError(f"{name!r} is none of: {', '.join(choices(wrapper))}")


def choices(wrapper: Any) -> list[str]:
    """The short names of an enumeration."""
    names = [_short(wrapper.DESCRIPTOR, known.name) for known in wrapper.DESCRIPTOR.values]
    return [name for name in names if name]


def _short(descriptor: Any, name: str) -> str:
    prefix: str = descriptor.values[0].name.removesuffix("UNSPECIFIED")
    bare = name.removeprefix(prefix).lower()
    return "" if bare == "unspecified" else bare


def json_of(struct: struct_pb2.Struct) -> dict[str, Any]:
    """A Struct as a JSON object; whole numbers come back as ``int``."""
    return {key: _value(inner) for key, inner in struct.fields.items()}


def _value(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return json_of(value.struct_value)
    if kind == "list_value":
        return [_value(item) for item in value.list_value.values]
    if kind == "number_value":
        found = value.number_value
        return int(found) if found.is_integer() and abs(found) < EXACT else found
    return None if kind in {None, "null_value"} else getattr(value, kind)


def struct_of(value: Any, what: str = "value") -> struct_pb2.Struct:
    """What is a JSON object, or has one as its obvious form, as a Struct.

    Raises `NotJson`, with a path that begins with ``what``.
    """
    made = struct_pb2.Struct()
    found = json_value(value, what)
    if not isinstance(found, dict):
        raise NotJson(what, f"is a {type(value).__name__}", "a JSON object is wanted: write a dict")
    made.update(found)
    return made


def time_of(moment: timestamp_pb2.Timestamp) -> datetime:
    """A Timestamp as an aware datetime in UTC."""
    found: datetime = moment.ToDatetime(tzinfo=UTC)
    return found


def shown_time(moment: timestamp_pb2.Timestamp) -> str:
    """A Timestamp as tables and facts show it: UTC, to the second."""
    return f"{time_of(moment):%Y-%m-%d %H:%M:%S}"


ZONED: Final = "2026-06-13T21:00:00Z or 2026-06-13T23:00:00+02:00"
"""How times are written: without a zone, each machine would take another instant."""


def time_from(text: str, name: str) -> datetime:
    """The time in an ISO 8601 text; raises ValueError for none, or one without a time zone.

    ``name`` is the argument or option that the refusal names.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{name} is {text!r}, which is no time; write {ZONED}") from error
    return _zoned(moment, name)


def timestamp(moment: datetime | None, name: str) -> timestamp_pb2.Timestamp | None:
    """An aware datetime as a Timestamp; None stays absent.

    Raises ValueError for a time without a time zone, or outside of the years 1 to 9999 of UTC,
    naming the argument: ``name``.
    """
    if moment is None:
        return None
    _zoned(moment, name)
    made = timestamp_pb2.Timestamp()
    try:
        made.FromDatetime(moment.astimezone(UTC))
    except (OverflowError, ValueError) as error:
        raise ValueError(f"{name} is outside of the years 1 to 9999 in UTC: {moment}") from error
    return made


def _zoned(moment: datetime, name: str) -> datetime:
    if not isinstance(moment, datetime):
        raise TypeError(f"{name} is a {type(moment).__name__}, not a datetime; write {ZONED}")
    if moment.utcoffset() is None:
        text = f"{name} has no time zone: {moment.isoformat()}; write {ZONED}"
        raise ValueError(f"{text} (datetime.now(UTC), moment.astimezone())")
    return moment


def message_to_dict(message: Message) -> dict[str, Any]:
    """A message as a JSON object in the paper's spelling: snake_case, short lower-case enums.

    Times are ISO 8601 texts, durations seconds, absent messages are left out.
    """
    made: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        if field.has_presence and not message.HasField(field.name):
            continue
        made[field.name] = _field(field, getattr(message, field.name))
    return made


def _field(field: Any, value: Any) -> Any:
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        inner = entry.fields_by_name["value"]
        return {str(key): _one(inner, item) for key, item in sorted(value.items())}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        # Asked of the value: protobuf 5 and 7 have no property of a field in common that says it.
        return [_one(field, item) for item in value]
    return _one(field, value)


def _one(field: Any, value: Any) -> Any:
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return str(value) if known is None else _short(field.enum_type, known.name)
    if isinstance(value, struct_pb2.Struct):
        return json_of(value)
    if isinstance(value, timestamp_pb2.Timestamp):
        return time_of(value).isoformat().replace("+00:00", "Z")
    if isinstance(value, duration_pb2.Duration):
        return value.ToTimedelta().total_seconds()
    return message_to_dict(value) if isinstance(value, Message) else value
