"""Names a character of a text that is refused, and where it stands: callers do not see it."""

from collections.abc import Callable
from typing import Final

NUL: Final = "\0"


def found_at(text: str, forbidden: Callable[[str], bool]) -> str:
    """The first forbidden character, as ``U+001B at offset 5``; empty where there is none.

    The offset counts characters from 0.
    """
    for offset, character in enumerate(text):
        if forbidden(character):
            return f"U+{ord(character):04X} at offset {offset}"
    return ""


def nul_in(text: str) -> str:
    """What a refusal says of a text with U+0000, which no database stores; empty where none is."""
    if NUL not in text:
        return ""
    return f"contains the character {found_at(text, NUL.__eq__)}; leave it out"
