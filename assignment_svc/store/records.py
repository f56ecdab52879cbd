"""Between the domain's frozen dataclasses and rows: columns carry the names of the fields.

Enumerations are stored as text, nested dataclasses and tuples as JSON documents.
"""

import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

Value = TypeVar("Value")
Read = Callable[[Any], Any]


class Record(Generic[Value]):
    """How one dataclass is stored. ``nested`` names fields that are columns of their own fields."""

    def __init__(self, kind: type[Value], *, nested: Mapping[str, type[Any]] | None = None) -> None:
        self._kind = kind
        self._nested = dict(nested or {})
        self._readers = _readers(kind)

    def row(self, value: Value) -> dict[str, Any]:
        """The columns of ``value``."""
        columns: dict[str, Any] = {}
        for name in self._readers:
            part = getattr(value, name)
            if name in self._nested:
                columns |= {inner: column(getattr(part, inner)) for inner in _readers(type(part))}
            else:
                columns[name] = column(part)
        return columns

    def value(self, row: Mapping[str, Any]) -> Value:
        """The value of a row; columns that it does not know are left aside."""
        known = {name: read(row[name]) for name, read in self._readers.items() if name in row}
        for name, kind in self._nested.items():
            inner = _readers(kind)
            known[name] = kind(**{field: read(row[field]) for field, read in inner.items()})
        return self._kind(**known)


def column(value: Any) -> Any:
    """What a column holds: plain values as they are, the rest as a document."""
    if isinstance(value, tuple) or is_dataclass(value):
        return document(value)
    return str(value) if isinstance(value, StrEnum) else value


def document(value: Any) -> Any:
    """A JSON value: dataclasses as objects, tuples as arrays, times as ISO 8601 text."""
    if is_dataclass(value):
        return {field.name: document(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [document(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, StrEnum) else value


_KNOWN: dict[type[Any], dict[str, Read]] = {}


def _readers(kind: type[Any]) -> dict[str, Read]:
    """How each field of ``kind`` is read; type hints are resolved once."""
    if kind not in _KNOWN:
        bus_events = get_type_hints(kind)
        _KNOWN[kind] = {field.name: _reader(bus_events[field.name]) for field in fields(kind)}
    return _KNOWN[kind]


def _reader(bus_event: Any) -> Read:
    """How a column or a part of a document of type ``hint`` is read."""
    if get_origin(bus_event) in {Union, types.UnionType}:
        inner = _reader(next(arg for arg in get_args(bus_event) if arg is not types.NoneType))
        return lambda value: None if value is None else inner(value)
    if get_origin(bus_event) is tuple:
        item = _reader(get_args(bus_event)[0])
        return lambda value: tuple(item(part) for part in value)
    if is_dataclass(bus_event) and isinstance(bus_event, type):
        return lambda value: _object(bus_event, value)
    if isinstance(bus_event, type) and issubclass(bus_event, StrEnum):
        return bus_event
    return _moment if bus_event is datetime else _same


def _object(kind: type[Any], value: Any) -> Any:
    if isinstance(value, kind):
        return value
    return kind(**{name: read(value[name]) for name, read in _readers(kind).items()})


def _moment(value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _same(value: Any) -> Any:
    return value
