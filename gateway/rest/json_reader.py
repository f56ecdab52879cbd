"""Reads JSON into messages by their descriptors: the paper's names, short enums, all violations.

Stricter than protobuf's own JSON: unknown names are refused, so that a misspelt field is not
silently ignored, and every violation is collected under its path.
"""

import base64
import binascii
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from phoenix_dma.wire.conversions import ZONED
from phoenix_dma.wire.reported_text import carried
from phoenix_runtime.chassis.rpc.structs import json_to_struct
from phoenix_runtime.chassis.schema import longest_report
from phoenix_runtime.core.errors import Violation
from phoenix_runtime.core.json import Json, is_exact

DEEPEST = 28
"""Levels inside a free JSON object; the services' own parsers end at about 32."""

EXACT = 1 << 53
"""The largest integer that every JSON reader represents exactly."""

DECIMAL = re.compile(r"-?[0-9]{1,20}", re.ASCII)
"""An integer as a text, in ASCII digits: Python would read others as well."""

STRUCT = "google.protobuf.Struct"
TIMES = {
    "google.protobuf.Timestamp": f"a time with its zone: {ZONED} (in a query %2B02:00)",
    "google.protobuf.Duration": "a duration such as 60s",
}
INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
}
FLOATS = {FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT}


def fields_by_name(message: Message) -> dict[str, FieldDescriptor]:
    """Return a message's fields by name, in the order of the proto file."""
    # The stubs name the pure Python descriptors and those of upb; they are used the same way.
    return {field.name: cast(FieldDescriptor, field) for field in message.DESCRIPTOR.fields}


class Unreadable(ValueError):
    """A value does not fit its field; the text says what is expected."""


def read_message(message: Message, value: Json, path: str = "") -> Iterator[Violation]:
    """Fill ``message`` from a JSON object; yield violations by path."""
    if not isinstance(value, Mapping):
        yield Violation(path or "body", "has to be a JSON object")
        return
    fields = fields_by_name(message)
    for name, inner in value.items():
        here = f"{path}.{shown(name)}" if path else shown(name)
        field = fields.get(name)
        if field is None:
            yield Violation(here, "is no field of this request")
        elif inner is not None:
            yield from read_field(message, field, inner, here)


def read_field(
    message: Message, field: FieldDescriptor, value: Json, path: str
) -> Iterator[Violation]:
    """Fill one field; yield its violations."""
    if _is_map(field):
        yield from _read_map(message, field, value, path)
    elif field.is_repeated:
        yield from _read_list(message, field, value, path)
    elif field.message_type is not None:
        yield from _read_inner(getattr(message, field.name), value, path)
    else:
        yield from _set(lambda v: setattr(message, field.name, v), field, value, path)


def _read_list(
    message: Message, field: FieldDescriptor, value: Json, path: str
) -> Iterator[Violation]:
    if not isinstance(value, list):
        yield Violation(path, "has to be a list")
        return
    target: Any = getattr(message, field.name)
    for index, item in enumerate(value):
        here = f"{path}[{index}]"
        if field.message_type is not None:
            yield from _read_inner(target.add(), item, here)
        else:
            yield from _set(target.append, field, item, here)


def _read_map(
    message: Message, field: FieldDescriptor, value: Json, path: str
) -> Iterator[Violation]:
    """Fill a map of names to texts, the only kind that requests have."""
    if not isinstance(value, Mapping):
        yield Violation(path, "has to be a JSON object")
        return
    target: Any = getattr(message, field.name)
    for name, inner in value.items():
        if isinstance(inner, str):
            target[name] = inner
        else:
            yield Violation(f"{path}.{shown(name)}", "has to be a text")


def _read_inner(target: Message, value: Json, path: str) -> Iterator[Violation]:
    """Fill a nested message; some have a JSON form of their own."""
    name = target.DESCRIPTOR.full_name
    if name == STRUCT:
        yield from _read_struct(target, value, path)
    elif name in TIMES:
        yield from _read_time(target, value, path)
    else:
        # Present even where the object is empty.
        target.SetInParent()
        yield from read_message(target, value, path)


def _read_struct(target: Any, value: Json, path: str) -> Iterator[Violation]:
    if not isinstance(value, Mapping):
        yield Violation(path, "has to be a JSON object")
        return
    violations = list(_unfit(value, path, 1))
    if violations:
        yield from violations
        return
    target.SetInParent()
    target.CopyFrom(json_to_struct(value))


def _unfit(value: Json, path: str, depth: int) -> Iterator[Violation]:
    """Yield what a Struct would change or lose of a free JSON object."""
    if value is None or isinstance(value, str | int | float):
        yield from _unfit_leaf(value, path)
    elif depth > DEEPEST:
        yield Violation(path, f"is nested deeper than {DEEPEST} levels")
    else:
        for name, inner in _parts(value):
            yield from _unfit(inner, _below(path, name), depth + 1)
            if not _is_text(str(name)):
                yield Violation(path, "holds a name that is no Unicode text")


def _unfit_leaf(value: str | float | None, path: str) -> Iterator[Violation]:
    if isinstance(value, str):
        if not _is_text(value):
            yield Violation(path, "is no Unicode text")
    elif value is not None and not is_exact(value):
        yield Violation(path, "is a number that no double carries exactly; send it as a text")


def _below(path: str, name: str | int) -> str:
    """Return the path of an element."""
    return f"{path}[{name}]" if isinstance(name, int) else f"{path}.{shown(name)}"


def _parts(value: Any) -> Iterator[tuple[str | int, Json]]:
    """Return the elements with their names or indices."""
    return iter(value.items() if isinstance(value, Mapping) else enumerate(value))


def _read_time(target: Any, value: Json, path: str) -> Iterator[Violation]:
    try:
        target.FromJsonString(value)
    except (ValueError, TypeError, AttributeError, OverflowError):
        yield Violation(path, f"has to be {TIMES[target.DESCRIPTOR.full_name]}")


def _set(
    setter: Callable[[Any], None], field: FieldDescriptor, value: Json, path: str
) -> Iterator[Violation]:
    """Set one scalar; protobuf checks its range."""
    try:
        setter(_scalar(field, value))
    except Unreadable as error:
        yield Violation(path, str(error))
    except (ValueError, TypeError, OverflowError):
        yield Violation(path, "is out of range")


def _scalar(field: FieldDescriptor, value: Json) -> object:
    """Return the value of a scalar field; raises `Unreadable`."""
    kind = field.cpp_type
    if field.enum_type is not None:
        return _enum(field.enum_type, value)
    if kind in INTEGERS:
        return _integer(value)
    if kind in FLOATS:
        return _float(value)
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        if not isinstance(value, bool):
            raise Unreadable("has to be true or false")
        return value
    return _text(field, value)


def _text(field: FieldDescriptor, value: Json) -> str | bytes:
    if not isinstance(value, str):
        raise Unreadable("has to be a text")
    if field.type == FieldDescriptor.TYPE_BYTES:
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Unreadable("has to be base64") from error
    if longest_report(field):
        return carried(value)
    if not _is_text(value):
        raise Unreadable("is no Unicode text")
    return value


def _integer(value: Json) -> int:
    """Return an integer, also from decimal text, as protobuf writes what a double cannot hold."""
    if isinstance(value, str) and DECIMAL.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) <= EXACT:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unreadable("has to be an integer")
    return value


def _float(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable("has to be a number")
    if not math.isfinite(value):
        raise Unreadable("is out of range")
    return float(value)


def _enum(enum: EnumDescriptor, value: Json) -> int:
    """Return the number of ``medium`` or ``RISK_LEVEL_MEDIUM``; unspecified cannot be sent."""
    prefix = enum.values[0].name.removesuffix("UNSPECIFIED")
    known = {one.name: one.number for one in enum.values[1:]}
    if isinstance(value, str):
        number = known.get(value, known.get(prefix + value.upper() if value.islower() else ""))
        if number is not None:
            return number
    choices = ", ".join(name.removeprefix(prefix).lower() for name in known)
    raise Unreadable(f"has to be one of {choices}")


def _is_map(field: FieldDescriptor) -> bool:
    inner = field.message_type
    return inner is not None and inner.GetOptions().map_entry


def _is_text(value: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in value)


def shown(name: object) -> str:
    """Return a name for an error text: printable ASCII, short, never empty."""
    text = str(name)[:64].encode("ascii", "backslashreplace").decode()
    return "".join(one if one.isprintable() else "?" for one in text) or '""'
