"""Reads a query, which like a body has to have exactly one meaning."""

import re
from urllib.parse import unquote_plus

from gateway.rest.json_reader import shown
from phoenix_runtime.core.errors import FieldInvalid, Violation

BROKEN = re.compile(r"%(?![0-9A-Fa-f]{2})")


def read_query(raw: bytes) -> list[tuple[str, str]]:
    """Return names and texts in order; raises `FieldInvalid` unless it is percent-encoded UTF-8.

    With replacement characters in their place, the RPC would answer another question.
    """
    violations: list[Violation] = []
    found: list[tuple[str, str]] = []
    for pair in filter(None, raw.decode("latin-1").split("&")):
        name, _, text = pair.partition("=")
        try:
            found.append((_decoded(name), _decoded(text)))
        except ValueError as error:
            violations.append(Violation(shown(unquote_plus(name)), str(error)))
    if violations:
        raise FieldInvalid(violations)
    return found


def _decoded(text: str) -> str:
    """Return the decoded text; raises ValueError."""
    if not text.isascii():
        raise ValueError("holds bytes beyond ASCII; percent-encode them")
    if BROKEN.search(text):
        raise ValueError("holds a % that begins no escape; write it as %25")
    try:
        return unquote_plus(text, errors="strict")
    except UnicodeDecodeError as error:
        raise ValueError("is no percent-encoded UTF-8") from error
