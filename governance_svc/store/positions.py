"""Where a page ended, for lists that are ordered by a moment and an id."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from phoenix_runtime.core.documents import time_of
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.pages import Page, PageRequest

Item = TypeVar("Item")


def page_of(
    items: Sequence[Item], page: PageRequest, position: Callable[[Item], tuple[str, ...]]
) -> Page[Item]:
    """The page of ``items``, of which one more than the page holds was read to see the end."""
    shown = tuple(items[: page.size])
    more = len(items) > page.size
    return Page(shown, page.token(position(shown[-1])) if more else "")


def moment_position(after: tuple[str, ...]) -> tuple[datetime, str]:
    """The moment and id in a page token; raises `FieldInvalid`."""
    try:
        moment, key = after
        return time_of(moment), key
    except ValueError as error:
        raise strange_token() from error


def strange_token() -> FieldInvalid:
    """A page token that was not made by us for this list."""
    return FieldInvalid([Violation("page_token", "not a token of ours")])
