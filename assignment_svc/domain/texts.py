"""Free text from outside: bounded, and without characters that mislead or cannot be stored."""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from phoenix_runtime.core.characters import found_at
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.ids import NO_ID, is_identifier

MOST_OBLIGATIONS = 64
LONGEST_OBLIGATION = 128

_MISLEADING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Bidirectional controls: a reviewer would read another text than the one that is stored."""

_SPACES = frozenset("\n\t")

WRITTEN: Final = (
    "control characters but line end and tab, bidirectional marks and surrogates are refused: "
    "leave it out, or spell it in visible characters, such as \\u001b (in JSON \\\\u001b)"
)
"""What to do about a control character, a bidirectional mark or a surrogate."""


def text_violations(field: str, text: str, longest: int) -> Iterator[Violation]:
    """What is wrong with a text of people: its length, control characters, lone surrogates."""
    if len(text) > longest:
        yield Violation(field, f"at most {longest} characters, not {len(text)}")
    found = found_at(text, _forbidden)
    if found:
        yield Violation(field, f"holds {found}; {WRITTEN}")


def checked_id(field: str, value: str) -> str:
    """``value`` where it can be the id of a participant; raises `FieldInvalid` otherwise."""
    if not is_identifier(value):
        raise FieldInvalid([Violation(field, NO_ID)])
    return value


def checked_obligations(field: str, named: Sequence[str]) -> tuple[str, ...]:
    """``named`` where each can be an obligation's id, as policy writes them.

    Raises `FieldInvalid` for more than 64, or for what is no printable name.
    """
    if len(named) > MOST_OBLIGATIONS:
        raise FieldInvalid([Violation(field, f"names at most {MOST_OBLIGATIONS} obligations")])
    for index, one in enumerate(named):
        if not one.isprintable() or not 0 < len(one) <= LONGEST_OBLIGATION:
            text = f"is no id of 1 to {LONGEST_OBLIGATION} printable characters"
            raise FieldInvalid([Violation(f"{field}[{index}]", text)])
    return tuple(named)


def _forbidden(character: str) -> bool:
    if character in _SPACES:
        return False
    return character in _MISLEADING or unicodedata.category(character) in {"Cc", "Cs"}
