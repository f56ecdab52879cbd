"""The newest items of a list, and how many older ones were left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

MOST_COUNTED: Final = 100_000
"""What the runtime counts to (``total_size``); it stands for as many or more."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Listing(Generic[Item]):
    """``items`` with the newest last; ``more`` older ones match as well.

    ``counted`` is False where ``more`` is the least that it can be.
    """

    items: Sequence[Item]
    more: int = 0
    counted: bool = True


def listing_of(newest_first: Sequence[Item], total: int) -> Listing[Item]:
    """The listing of the newest items, of ``total`` that match as the runtime counted them."""
    more = max(0, total - len(newest_first))
    return Listing(tuple(reversed(newest_first)), more, total < MOST_COUNTED)
