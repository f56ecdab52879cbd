"""Pages: a size, and an opaque token that is bound to the filters it was made for."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.json import Json, content_hash

DEFAULT_SIZE = 50
LARGEST_SIZE = 200
MOST_COUNTED = 100_000
"""Counting ends here: nobody at a terminal needs to know more, and rows are read for it."""
PAGE_BYTES = 2 << 20
"""A page ends with the item that reaches this: it has at most so much, and one item more. An item
has at most 5.9 MiB on the wire, so that every page fits into a message."""
LARGEST_NUMBER = 2**63 - 1
"""What a column of a database holds."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of items; ``next_token`` is empty on the last.

    ``total`` is how many items the whole list has, at most `MOST_COUNTED`; 0 where not asked for.
    ``token_after`` is the token of the page that would begin after an item: a page that would be
    larger than `PAGE_BYTES` ends earlier than by its number of items.
    """

    items: tuple[Item, ...]
    next_token: str = ""
    total: int = 0
    token_after: Callable[[Item], str] = field(
        default=lambda _: "", compare=False, repr=False, kw_only=True
    )


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A parsed request: ``size`` items after ``after`` (the sort key of the last one, or ()).

    ``total`` asks how many items the whole list has.
    """

    size: int
    after: tuple[str, ...]
    filters_hash: str
    total: bool = False

    def token(self, after: tuple[str, ...]) -> str:
        """The token of the page that begins after the sort key ``after``."""
        raw = json.dumps([self.filters_hash[7:23], list(after)], separators=(",", ":"))
        return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def page_request(size: int, token: str, filters: Json, *, total: bool = False) -> PageRequest:
    """Parse what a caller gave; raises `FieldInvalid` for a size or token that cannot be.

    ``filters`` may hold any whole number, such as a generation of 64 bits: their text is hashed.
    """
    if size < 0 or size > LARGEST_SIZE:
        text = f"0 to {LARGEST_SIZE} (0: {DEFAULT_SIZE}), not {size}"
        raise FieldInvalid([Violation("page_size", text)])
    filters_hash = content_hash(json.dumps(filters, sort_keys=True))
    after = _after(token, filters_hash) if token else ()
    return PageRequest(size or DEFAULT_SIZE, after, filters_hash, total)


def _after(token: str, filters_hash: str) -> tuple[str, ...]:
    """The sort key inside ``token``."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        bound, after = json.loads(raw)
        parsed = tuple(after)
    except (ValueError, TypeError, RecursionError) as error:
        raise FieldInvalid([Violation("page_token", "not a token of ours")]) from error
    if bound != filters_hash[7:23]:
        text = "belongs to other filters; begin again without a token"
        raise FieldInvalid([Violation("page_token", text)])
    # A token can be forged; what it holds reaches statements, which take no U+0000.
    if not all(isinstance(part, str) and "\0" not in part for part in parsed):
        raise FieldInvalid([Violation("page_token", "not a token of ours")])
    return parsed


def number_of(part: str) -> int:
    """A whole number inside a sort key; raises ValueError for what no column holds."""
    number = int(part) if part.isascii() and part.isdecimal() and len(part) <= 19 else -1
    if not 0 <= number <= LARGEST_NUMBER:
        raise ValueError("no number of a sort key")
    return number


def moment_of(part: str) -> datetime:
    """A moment inside a sort key, as ``isoformat`` wrote it; raises ValueError without a zone."""
    moment = datetime.fromisoformat(part)
    if moment.tzinfo is None:
        raise ValueError("a moment of a sort key has a zone")
    return moment
