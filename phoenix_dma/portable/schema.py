"""Validates documents by the shipped JSON Schema, with every violation named by its path.

It knows the keywords that the schema uses and refuses a schema with others, so that the file stays
the one definition; the light SDK gains no dependency.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from phoenix_dma.errors import Violation

SCHEMA_FILE: Final = "portable-context.v1.json"
IGNORED: Final = frozenset({"$schema", "$id", "$defs", "title", "description", "$ref"})
TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "null": lambda value: value is None,
}
Found = Iterator[Violation]


class NotPortable(ValueError):
    """A context does not have the portable form; ``violations`` names every place."""

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        super().__init__("; ".join(f"{one.field} {one.text}" for one in violations))
        self.violations = violations


@cache
def portable_schema() -> dict[str, Any]:
    """The JSON Schema of a portable context, version 1, as it is shipped."""
    text = (resources.files("phoenix_dma.portable") / SCHEMA_FILE).read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def validate(document: Any) -> None:
    """Check a context's document against the schema; raises `NotPortable`."""
    violations = tuple(violations_of(document, portable_schema(), "context"))
    if violations:
        raise NotPortable(violations)


def violations_of(value: Any, schema: Mapping[str, Any], path: str) -> Found:
    """Every violation of ``schema`` by ``value``, which is at ``path``."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        yield from violations_of(value, portable_schema()["$defs"][name], path)
    for keyword, wanted in schema.items():
        if keyword not in IGNORED:
            yield from KEYWORDS[keyword](value, wanted, schema, path)


def _type(value: Any, wanted: Any, _: Mapping[str, Any], path: str) -> Found:
    names = [wanted] if isinstance(wanted, str) else wanted
    if not any(TYPES[name](value) for name in names):
        yield Violation(path, f"is a {type(value).__name__}, not {' or '.join(names)}")


def _enum(value: Any, wanted: list[Any], _: Mapping[str, Any], path: str) -> Found:
    # Types are compared too: to Python, True is 1.
    if not any(value == one and type(value) is type(one) for one in wanted):
        yield Violation(path, f"is {value!r}, not {' or '.join(map(repr, wanted))}")


def _minimum(value: Any, wanted: int, _: Mapping[str, Any], path: str) -> Found:
    if TYPES["integer"](value) and value < wanted:
        yield Violation(path, f"is {value}, below {wanted}")


def _required(value: Any, wanted: list[str], _: Mapping[str, Any], path: str) -> Found:
    if isinstance(value, dict):
        for name in wanted:
            if name not in value:
                yield Violation(f"{path}.{name}", "is missing")


def _properties(value: Any, wanted: Mapping[str, Any], _: Mapping[str, Any], path: str) -> Found:
    if isinstance(value, dict):
        for name, schema in wanted.items():
            if name in value:
                yield from violations_of(value[name], schema, f"{path}.{name}")


def _additional(value: Any, allowed: Any, schema: Mapping[str, Any], path: str) -> Found:
    if isinstance(value, dict) and allowed is False:
        for name in value:
            if name not in schema.get("properties", {}):
                yield Violation(f"{path}.{name}", "has no place in the schema")


def _items(value: Any, wanted: Mapping[str, Any], _: Mapping[str, Any], path: str) -> Found:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from violations_of(item, wanted, f"{path}[{index}]")


KEYWORDS: Final[Mapping[str, Callable[..., Found]]] = {
    "type": _type,
    "enum": _enum,
    "minimum": _minimum,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "items": _items,
}
