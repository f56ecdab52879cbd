"""Writes messages as the paper's JSON: snake_case names, short lower-case enums, RFC 3339 times.

Fields without presence are always written, so a client need not check for them; absent messages,
absent optional fields and unspecified enums are left out. 64-bit integers are numbers as long as a
double holds them exactly, and texts beyond.
"""

import base64
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from gateway.rest.json_reader import EXACT, STRUCT, TIMES, fields_by_name

BIG = {FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64}
ABSENT = object()


def document(message: Message) -> dict[str, Any]:
    """Return the JSON object of a message."""
    found = {}
    for name, field in fields_by_name(message).items():
        value = _field(message, field)
        if value is not ABSENT:
            found[name] = value
    return found


def _field(message: Message, field: FieldDescriptor) -> Any:
    """Return the JSON value of one field, or ABSENT."""
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        inner = field.message_type.fields_by_name["value"]
        return {str(name): _single(inner, one) for name, one in sorted(value.items())}
    if field.is_repeated:
        return [_single(field, one) for one in value]
    if field.has_presence and not message.HasField(field.name):
        return ABSENT
    return _single(field, value)


def _single(field: FieldDescriptor, value: Any) -> Any:
    """Return the JSON value of one element."""
    if field.message_type is not None:
        return _message(value)
    if field.enum_type is not None:
        return _enum(field.enum_type, value, absent="unspecified" if field.is_repeated else ABSENT)
    if field.cpp_type in BIG and abs(value) > EXACT:
        return str(value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return base64.b64encode(value).decode()
    if field.cpp_type == FieldDescriptor.CPPTYPE_FLOAT:
        # The shortest text that reads back as the same float: 0.3, not 0.30000001192092896.
        return float(f"{value:.7g}")
    return value


def _message(value: Message) -> Any:
    name = value.DESCRIPTOR.full_name
    if name == STRUCT:
        return _free(json_format.MessageToDict(value))
    if name in TIMES:
        # A text, as their JSON form is one.
        return json_format.MessageToDict(value)
    return document(value)


def _free(value: Any) -> Any:
    """Return a free object sorted and with integers: a Struct has only doubles and no order."""
    if isinstance(value, dict):
        return {name: _free(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_free(one) for one in value]
    if isinstance(value, float) and value.is_integer() and abs(value) <= EXACT:
        return int(value)
    return value


def _enum(enum: EnumDescriptor, value: int, *, absent: Any) -> Any:
    """Return the short name; a number that this build does not know stays a number."""
    if value == 0 and enum.values[0].name.endswith("_UNSPECIFIED"):
        return absent
    known = enum.values_by_number.get(value)
    if known is None:
        return value
    return known.name.removeprefix(enum.values[0].name.removesuffix("UNSPECIFIED")).lower()
