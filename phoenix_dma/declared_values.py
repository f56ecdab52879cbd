"""Says what is wrong with the value of a declared field, in the words of whoever wrote it.

What protobuf says of a wrong value names its own types, and no field.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from numbers import Integral, Real
from typing import Any, Final

NAMES: Final = "Sequence[str]"
FORMS: Final[Mapping[str, tuple[type | tuple[type, ...], str]]] = {
    "str": (str, "a text"),
    "int": (Integral, "a whole number"),
    "float": (Real, "a number"),
    "bool": (bool, "true or false"),
    "datetime": (datetime, "a time"),
    "timedelta | float": ((timedelta, Real), "a number of seconds, or a timedelta,"),
    NAMES: (Iterable, "a list of texts"),
}
"""The types of a field's value, by the annotation of the field, and how they are called."""
WHOLE: Final = range(-(1 << 31), 1 << 31)
"""What a whole number may be on the wire."""
KINDS: Final[tuple[tuple[type, Callable[[Any], str]], ...]] = (
    (bool, lambda value: str(value).lower()),
    (str, lambda value: f"the text {value!r}"),
    (Real, str),
    (Mapping, lambda _: "an object"),
    (Collection, lambda _: "a list"),
)
"""A value in the words of JSON, which whoever wrote it may have used."""


def fault(name: str, value: Any, kind: type) -> str:
    """What is wrong with ``value`` of the field ``name`` of ``kind``; empty where nothing is."""
    annotation = kind.__annotations__[name]
    form = str(getattr(annotation, "__forward_arg__", annotation))
    if value is None or form not in FORMS:
        return ""
    types, wanted = FORMS[form]
    texts = list(value) if form == NAMES and isinstance(value, Collection) else [value]
    if not isinstance(value, types):
        return f"{name} is {_said(value)}; {wanted} is wanted"
    if form == NAMES:
        other = next((one for one in texts if not isinstance(one, str)), "")
        if other != "":
            return f"{name} holds {_said(other)}; {wanted} is wanted"
    if form == "int" and value not in WHOLE:
        return f"{name} is {value}; a whole number from {WHOLE[0]} to {WHOLE[-1]} is wanted"
    broken = next(filter(None, (no_unicode(one) for one in texts if isinstance(one, str))), "")
    return f"{name} {broken}" if broken else ""


def no_unicode(text: str) -> str:
    """What is wrong with a text that holds half a character; empty where nothing is."""
    for offset, character in enumerate(text):
        if "\ud800" <= character <= "\udfff":
            return f"holds U+{ord(character):04X} at offset {offset}, which is no Unicode character"
    return ""


def _said(value: Any) -> str:
    if value is None:
        return "null"
    known = (said(value) for kind, said in KINDS if isinstance(value, kind))
    return next(known, f"a {type(value).__name__}")
