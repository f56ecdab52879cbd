"""Section 13 of the paper, one module a step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from examples.stewardship.chapters import (
    c01_submitted,
    c02_discovered,
    c03_permitted,
    c04_assigned,
    c05_analysed,
    c06_validated,
    c07_failed,
    c08_handed_off,
    c09_resumed,
    c10_approved,
    c11_recorded,
)
from examples.stewardship.story import Story

Chapter = tuple[str, Callable[[Story], Awaitable[None]]]

CHAPTERS: Final[Sequence[Chapter]] = tuple(
    (module.TITLE, module.play)
    for module in (
        c01_submitted,
        c02_discovered,
        c03_permitted,
        c04_assigned,
        c05_analysed,
        c06_validated,
        c07_failed,
        c08_handed_off,
        c09_resumed,
        c10_approved,
        c11_recorded,
    )
)
"""Title, as the paper prints it, and what is played."""
