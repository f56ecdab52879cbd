"""Text that a program stored, made safe to show: what would move the cursor or hide is spelled out.

A stored text may hold terminal escapes, line ends that imitate another line of output, or marks
that reverse what a person reads. Whatever prints stored text (the command line, text logs) prints
it through here, and nothing else has to know which characters those are.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories that have no glyph: controls, formats (bidirectional marks), surrogates, line ends."""
JOINERS: Final = frozenset("\u200c\u200d")
"""Formats that words and emoji are written with."""
LAYOUT: Final = frozenset("\n\t")

_JSON_LAYOUT: Final = re.compile(r"[^\x20-\x7e\n]")


def visible(text: str, *, lines: bool = False) -> str:
    r"""``text`` with every character that has no glyph as its escape, such as ``\x1b``.

    With ``lines`` line ends and tabs stay; without, the result is one line.
    """
    if text.isprintable():
        return text
    return "".join(_shown(character, lines=lines) for character in text)


def visible_json(document: str) -> str:
    r"""A JSON document with those characters as ``\u001b``: another spelling of the same values."""
    if document.isascii() and "\x7f" not in document:
        return document
    return _JSON_LAYOUT.sub(_json_escape, document)


def _shown(character: str, *, lines: bool) -> str:
    if (lines and character in LAYOUT) or not _hidden(character):
        return character
    return character.encode("unicode_escape").decode()


def _hidden(character: str) -> bool:
    return unicodedata.category(character) in HIDDEN and character not in JOINERS


def _json_escape(found: re.Match[str]) -> str:
    character = found.group()
    if not _hidden(character):
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
