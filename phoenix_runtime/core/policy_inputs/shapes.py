"""Shapes of policy inputs: which fields an object has, what a list holds, where content is open."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from phoenix_runtime.core.json import Json

ITEM: Final = "[]"
"""A step into any item of a list or any value of a map, in a path."""

Path = tuple[str, ...]


class Sort(StrEnum):
    """What a value is. Content is what a caller sends: any JSON, of which nothing is defined."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "true or false"
    OBJECT = "object"
    LIST = "list"
    MAP = "map by name"
    CONTENT = "content"


@dataclass(frozen=True, slots=True)
class Shape:
    """One value: ``fields`` of an object, ``item`` of a list or map; ``meaning`` in words.

    ``optional`` values are absent or null in some inputs.
    """

    sort: Sort
    meaning: str = ""
    fields: Mapping[str, "Shape"] = field(default_factory=dict)
    item: "Shape | None" = None
    optional: bool = False


def text(meaning: str, *, optional: bool = False) -> Shape:
    """A text."""
    return Shape(Sort.TEXT, meaning, optional=optional)


def number(meaning: str, *, optional: bool = False) -> Shape:
    """A number."""
    return Shape(Sort.NUMBER, meaning, optional=optional)


def flag(meaning: str, *, optional: bool = False) -> Shape:
    """True or false."""
    return Shape(Sort.FLAG, meaning, optional=optional)


def texts(meaning: str, *, optional: bool = False) -> Shape:
    """A list of texts."""
    return Shape(Sort.LIST, meaning, item=Shape(Sort.TEXT), optional=optional)


def content(meaning: str, *, optional: bool = False) -> Shape:
    """Any JSON, as a caller sent it."""
    return Shape(Sort.CONTENT, meaning, optional=optional)


def record(meaning: str, /, **fields: Shape) -> Shape:
    """An object with exactly these fields."""
    return Shape(Sort.OBJECT, meaning, fields)


def records(meaning: str, /, **fields: Shape) -> Shape:
    """A list of objects with exactly these fields."""
    return Shape(Sort.LIST, meaning, item=record("", **fields))


def maybe(shape: Shape) -> Shape:
    """``shape``, which is absent or null in some inputs."""
    return replace(shape, optional=True)


def named(meaning: str, item: Shape) -> Shape:
    """An object whose keys are names."""
    return Shape(Sort.MAP, meaning, item=item)


def step(shape: Shape, key: str) -> Shape | None:
    """The shape behind one step of a path, None where there is none; content leads to content."""
    if shape.sort is Sort.CONTENT:
        return shape
    if shape.sort is Sort.OBJECT:
        return shape.fields.get(key)
    if shape.sort is Sort.MAP or (shape.sort is Sort.LIST and key == ITEM):
        return shape.item
    return None


def find(shape: Shape, path: Sequence[str]) -> Shape | None:
    """The shape at ``path`` below ``shape``, None where it leads nowhere."""
    found: Shape | None = shape
    for key in path:
        found = None if found is None else step(found, key)
    return found


def nearest(shape: Shape, path: Sequence[str]) -> str:
    """The path that exists and is most similar to ``path``, dotted; empty where none is similar.

    Where none is, the path above is tried: what is below content is nowhere declared.
    """
    known = [dotted(one) for one, _ in walk(shape)]
    above = (dotted(path[:length]) for length in range(len(path), 0, -1))
    matches = (difflib.get_close_matches(one, known, n=1) for one in above)
    return next((found[0] for found in matches if found), "")


def walk(shape: Shape, path: Path = ()) -> Iterator[tuple[Path, Shape]]:
    """Every path below ``shape`` with its shape, depth first, in the order of the definition."""
    for name, one in shape.fields.items():
        yield (*path, name), one
        yield from walk(one, (*path, name))
    if shape.item is not None and shape.item.sort is not Sort.TEXT:
        yield from walk(shape.item, (*path, ITEM))


def dotted(path: Sequence[str]) -> str:
    """A path as people write it: ``task.approvals[].status``."""
    return ".".join(path).replace(f".{ITEM}", ITEM)


def differences(shape: Shape, value: Json, path: Path = ()) -> Iterator[str]:
    """Where ``value`` has what ``shape`` does not define, or lacks what it does."""
    if shape.sort is Sort.CONTENT or (value is None and shape.optional):
        return
    if shape.sort in {Sort.OBJECT, Sort.MAP} and isinstance(value, Mapping):
        yield from _differing_fields(shape, value, path)
    elif shape.sort is Sort.LIST and isinstance(value, list | tuple) and shape.item is not None:
        for one in value:
            yield from differences(shape.item, one, (*path, ITEM))
    elif not _is(shape.sort, value):
        yield f"{dotted(path)} is no {shape.sort}"


def _differing_fields(shape: Shape, value: Mapping[str, Json], path: Path) -> Iterator[str]:
    for key, one in value.items():
        inner = step(shape, key)
        if inner is None:
            yield f"{dotted((*path, key))} is not defined"
        else:
            yield from differences(inner, one, (*path, key))
    for name, inner in shape.fields.items():
        if name not in value and not inner.optional:
            yield f"{dotted((*path, name))} is missing"


def _is(sort: Sort, value: Json) -> bool:
    if sort is Sort.FLAG or isinstance(value, bool):
        return sort is Sort.FLAG and isinstance(value, bool)
    if sort is Sort.NUMBER:
        return isinstance(value, int | float)
    return sort is Sort.TEXT and isinstance(value, str)
