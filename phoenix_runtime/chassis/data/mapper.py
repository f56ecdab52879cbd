"""Maps the domain's frozen dataclasses to rows and back: a column carries the name of its field.

A row holds instants, lengths of time, bytes, numbers and texts as they are and enumerations as
text. Nested dataclasses, tuples and sets become JSON documents (objects and arrays); inside a
document an instant is ISO 8601 text. cattrs compiles both directions once for each class.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar, cast, get_origin

from cattrs import Converter
from cattrs.fns import identity
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from phoenix_runtime.core.json import Json, JsonObject

Value = TypeVar("Value")
Write = Callable[[Any], Any]
Read = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class ColumnCodec:
    """Writes and reads one column whose form is not that of `RowMapper`."""

    write: Write
    read: Read


JSON_TEXT: Final = ColumnCodec(lambda value: json.dumps(value, default=list), json.loads)
"""A JSON document in a text column, where ``jsonb`` would write numbers in its own way."""


class RowMapper(Generic[Value]):
    """Maps one dataclass to the columns of one table.

    ``flattened`` names fields whose value is a dataclass with columns of its own fields instead of
    a document. ``codecs`` gives fields with a form of their own.
    """

    def __init__(
        self,
        kind: type[Value],
        *,
        flattened: tuple[str, ...] = (),
        codecs: Mapping[str, ColumnCodec] | None = None,
    ) -> None:
        types: dict[str, Any] = {field.name: field.type for field in fields(cast("Any", kind))}
        self._names = tuple(types)
        self._flattened = {name: RowMapper[Any](types[name]) for name in flattened}
        own = dict(codecs or {})
        for name, inner in self._flattened.items():
            own[name] = ColumnCodec(inner.row, inner.value)
        writes: dict[str, Any] = {
            name: override(unstruct_hook=codec.write) for name, codec in own.items()
        }
        reads: dict[str, Any] = {
            name: override(struct_hook=_reading(codec)) for name, codec in own.items()
        }
        self._write = make_dict_unstructure_fn(kind, _ROWS, **writes)
        self._read = make_dict_structure_fn(kind, _ROWS, **reads)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in the order of the fields."""
        names: list[str] = []
        for name in self._names:
            inner = self._flattened.get(name)
            names += [name] if inner is None else inner.columns
        return tuple(names)

    def row(self, value: Value) -> dict[str, Any]:
        """The columns of ``value``."""
        row: dict[str, Any] = self._write(value)
        for name in self._flattened:
            row |= row.pop(name)
        return row

    def value(self, row: Mapping[str, Any]) -> Value:
        """The value of ``row``; columns that are no fields are ignored.

        A field without a column takes its default. Raises KeyError where it has none.
        """
        if self._flattened:
            row = {**row, **dict.fromkeys(self._flattened, row)}
        read: Value = self._read(row, None)
        return read


def _reading(codec: ColumnCodec) -> Callable[[Any, Any], Any]:
    return lambda column, _: codec.read(column)


def _as_it_is(value: Any, _: Any) -> Any:
    return value


def _is_plain(kind: Any) -> bool:
    """True for JSON of no fixed shape, which is neither taken apart nor built."""
    return kind in {Json, JsonObject} or get_origin(kind) is Mapping


def _converter() -> Converter:
    converter = Converter(
        detailed_validation=False, unstruct_collection_overrides={tuple: list, frozenset: sorted}
    )
    converter.register_unstructure_hook_func(_is_plain, identity)
    converter.register_structure_hook_func(_is_plain, _as_it_is)
    for kind in (str, int, float, bool, bytes):
        # The column's type and the schema say it already; a conversion would cost and hide a fault.
        converter.register_structure_hook(kind, _as_it_is)
    # A StrEnum is a str, too: without hooks of its own it would pass as one.
    converter.register_unstructure_hook(StrEnum, lambda member: member.value)
    converter.register_structure_hook(StrEnum, lambda text, kind: kind(text))
    return converter


def _document_converter() -> Converter:
    converter = _converter()
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    return converter


def _row_converter(documents: Converter) -> Converter:
    converter = _converter()
    for kind in (datetime, timedelta):
        converter.register_structure_hook(kind, _as_it_is)
    converter.register_unstructure_hook_factory(_is_document, documents.get_unstructure_hook)
    converter.register_structure_hook_factory(_is_document, documents.get_structure_hook)
    return converter


def _is_document(kind: Any) -> bool:
    return is_dataclass(kind) or get_origin(kind) in {tuple, frozenset}


_DOCUMENTS: Final = _document_converter()
_ROWS: Final = _row_converter(_DOCUMENTS)


def document_of(value: Any) -> Any:
    """``value`` as a JSON document: dataclasses as objects, tuples and sets as arrays."""
    return _DOCUMENTS.unstructure(value)


def value_of(document: Any, kind: type[Value]) -> Value:
    """The value of type ``kind`` in a document that `document_of` made."""
    return _DOCUMENTS.structure(document, kind)
