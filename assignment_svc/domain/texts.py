"""Free text from outside: bounded, and without characters that mislead or cannot be stored."""

import unicodedata
from collections.abc import Iterator

from phoenix_runtime.core.errors import FieldInvalid, Violation

LONGEST_REASON = 2000

_MISLEADING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Bidirectional controls: a reviewer would read another text than the one that is stored."""

_SPACES = frozenset("\n\t")


def text_violations(field: str, text: str, longest: int = LONGEST_REASON) -> Iterator[Violation]:
    """What is wrong with a text of people: its length, control characters, lone surrogates."""
    if len(text) > longest:
        yield Violation(field, f"at most {longest} characters, not {len(text)}")
    if any(_forbidden(character) for character in text):
        yield Violation(field, "holds a control character or a surrogate")


def checked_text(field: str, text: str, longest: int = LONGEST_REASON) -> str:
    """``text`` where nothing is wrong with it; raises `FieldInvalid` otherwise."""
    violations = list(text_violations(field, text, longest))
    if violations:
        raise FieldInvalid(violations)
    return text


def _forbidden(character: str) -> bool:
    if character in _SPACES:
        return False
    return character in _MISLEADING or unicodedata.category(character) in {"Cc", "Cs"}
