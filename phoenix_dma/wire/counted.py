"""Counts for people: one of them, or several."""

from __future__ import annotations


def counted(number: int, singular: str, plural: str = "") -> str:
    """``1 task``, ``2 tasks``."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
