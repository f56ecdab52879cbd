"""Checks of what callers send: all violations of a request are collected and reported together."""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from phoenix_runtime.core.characters import nul_in
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.ids import NO_ID, is_identifier, is_name
from phoenix_runtime.core.json import Json, JsonObject, NotCanonical, canonical

MOST_NAMES: Final = 64
METADATA_BYTES: Final = 16 * 1024
METADATA_DEPTH: Final = 8
LONGEST_ADDRESS: Final = 2048
HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of invisible characters: controls, bidirectional marks, unassigned ones."""
ADDRESS: Final = re.compile(r"([a-z][a-z0-9+.-]*)://[\x21-\x7e]+", re.ASCII)


class Checks:
    """Collects violations; `raise_any` raises them all at once."""

    def __init__(self) -> None:
        self._violations: list[Violation] = []

    def refuse(self, field: str, text: str) -> None:
        """Record one violation."""
        self._violations.append(Violation(field, text))

    def raise_any(self) -> None:
        """Raise `FieldInvalid` with all recorded violations, where there are any."""
        if self._violations:
            raise FieldInvalid(self._violations)

    def identifier(self, field: str, value: str) -> str:
        """Check an identifier (`ids.ID_RULE`)."""
        if not is_identifier(value):
            self.refuse(field, f"{NO_ID}{_offending_character(value)}")
        return value

    def name(self, field: str, value: str) -> str:
        """Check a name as the catalogue writes them."""
        if not is_name(value):
            rule = "a lower-case ASCII letter, then letters, digits and '_', at most 64 characters"
            self.refuse(field, f"has to be {rule}{_offending_character(value)}")
        return value

    def names(self, field: str, values: Sequence[str]) -> tuple[str, ...]:
        """Check a list of at most 64 distinct names."""
        if len(values) > MOST_NAMES:
            self.refuse(field, f"has {len(values)} entries; at most {MOST_NAMES} are taken")
            return ()
        seen: set[str] = set()
        for index, value in enumerate(values):
            self.name(f"{field}[{index}]", value)
            if value in seen:
                self.refuse(f"{field}[{index}]", f"names {value!a} a second time")
            seen.add(value)
        return tuple(values)

    def text(self, field: str, value: str, *, longest: int) -> str:
        """Check a text for people: at most ``longest`` characters, none of them invisible."""
        if len(value) > longest:
            self.refuse(field, f"has {len(value)} characters; at most {longest} are taken")
        elif hidden := _hidden(value):
            self.refuse(field, f"contains {hidden}")
        return value

    def number(self, field: str, value: float, *, low: float, high: float) -> float:
        """Check a finite number in ``[low, high]``."""
        if not math.isfinite(value) or not low <= value <= high:
            self.refuse(field, f"has to be a number from {low:g} to {high:g}, not {value}")
        return value

    def address(self, field: str, value: str, schemes: Iterable[str]) -> str:
        """Check an address of one of ``schemes``; it may be empty. It is shown, never fetched."""
        if not value:
            return value
        found = ADDRESS.fullmatch(value)
        if len(value) > LONGEST_ADDRESS or found is None:
            self.refuse(field, "has to be an address such as https://agents.example.com/steward")
        elif found[1] not in schemes:
            self.refuse(field, f"has the scheme {found[1]}; taken: {', '.join(sorted(schemes))}")
        elif ".." in value or "%2e%2e" in value.lower():
            self.refuse(field, "contains '..'")
        return value

    def document(self, field: str, value: JsonObject) -> JsonObject:
        """Check a JSON object: at most 16 KiB, 8 levels deep, without NUL, NaN or infinities."""
        depth, fault = _inspect(value)
        if depth > METADATA_DEPTH:
            self.refuse(field, f"is nested deeper than {METADATA_DEPTH} levels")
        elif fault:
            self.refuse(field, fault)
        else:
            self._size(field, value)
        return value

    def _size(self, field: str, value: JsonObject) -> None:
        try:
            size = len(canonical(value))
        except NotCanonical as error:
            self.refuse(field, f"has no canonical form: {error}")
            return
        if size > METADATA_BYTES:
            self.refuse(field, f"has {size} bytes; at most {METADATA_BYTES} are taken")


def _offending_character(value: str) -> str:
    """The number of the first character that no id may have: it may look like an allowed one."""
    for character in value:
        if not (character.isascii() and (character.isalnum() or character in "._-")):
            return f" (found U+{ord(character):04X})"
    return ""


def _hidden(value: str) -> str:
    for character in value:
        if character != "\n" and unicodedata.category(character) in HIDDEN:
            return f"the hidden character U+{ord(character):04X}"
    return ""


def _inspect(value: Json) -> tuple[int, str]:
    """How deep ``value`` is nested (the object itself is 1), and the first fault in its texts.

    Recursion would fail on a document deeper than Python's stack, which is only a violation.
    """
    deepest, fault = 0, ""
    pending: list[tuple[Json, int]] = [(value, 1)]
    while pending and deepest <= METADATA_DEPTH:
        item, depth = pending.pop()
        if isinstance(item, str):
            fault = fault or nul_in(item)
        elif isinstance(item, Mapping):
            deepest = max(deepest, depth)
            fault = fault or next(filter(None, map(nul_in, item)), "")
            pending += [(inner, depth + 1) for inner in item.values()]
        elif isinstance(item, Sequence):
            deepest = max(deepest, depth)
            pending += [(inner, depth + 1) for inner in item]
    return deepest, fault
