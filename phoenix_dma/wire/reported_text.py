"""Texts by which a program reports how something ended: they are data, and never refused.

An exception's text may hold the colours of a terminal, the line ends of a proxy's answer, half of
an emoji or an endless dump. Whoever shows a text escapes what would mislead; whoever carries it
changes only what cannot be carried.
"""

from __future__ import annotations

from typing import Final

LONGEST_REASON: Final = 2000
"""Characters of a reason that the contract keeps."""
LONGEST_COMMENT: Final = 4096
"""Characters of a decision's comment that the contract keeps."""
MARK_SPACE: Final = 48
"""Characters reserved for the mark of what was left out."""


def carried(text: str) -> str:
    r"""``text`` with what cannot be carried escaped, as ``\ud800`` or ``\x00``.

    protobuf carries no lone surrogate, and PostgreSQL stores no U+0000.
    """
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def reported(text: str, longest: int) -> str:
    """``text`` as it can be carried, in at most ``longest`` characters (at least 100).

    Of a longer one the beginning and the end are kept, since the end of a dump says what failed.
    """
    whole = carried(text)
    if len(whole) <= longest:
        return whole
    kept = longest - MARK_SPACE
    head, tail = kept - kept // 3, kept // 3
    mark = f" … [{len(whole) - kept} characters left out] … "
    return whole[:head] + mark + whole[-tail:]
