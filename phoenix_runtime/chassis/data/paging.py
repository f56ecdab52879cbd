"""Reads lists page by page, each page after the sort key of the last item.

A row that arrives between two pages neither repeats nor hides another one.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, literal, tuple_

from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.pages import Page, PageRequest, moment_of, number_of

Item = TypeVar("Item")
SortKey = tuple[datetime | int | str, ...]


def newest_first(
    statement: Select[Any],
    keys: tuple[ColumnElement[Any], ColumnElement[Any]],
    page: PageRequest,
) -> Select[Any]:
    """``statement`` for one page by instant and id, newest first, and one row more than that.

    Raises `FieldInvalid` for a token of another list.
    """
    at, row_id = keys
    if page.after:
        instant, last_id = instant_and_id(page.after)
        statement = statement.where(tuple_(at, row_id) < tuple_(literal(instant), literal(last_id)))
    return statement.order_by(at.desc(), row_id.desc()).limit(page.size + 1)


def highest_first(
    statement: Select[Any], number: ColumnElement[Any], page: PageRequest
) -> Select[Any]:
    """``statement`` for one page by a number, highest first, and one row more than that.

    Raises `FieldInvalid` for a token of another list.
    """
    if page.after:
        statement = statement.where(number < single_number(page.after))
    return statement.order_by(number.desc()).limit(page.size + 1)


def page_of(
    items: Sequence[Item], page: PageRequest, sort_key: Callable[[Item], SortKey], total: int = 0
) -> Page[Item]:
    """The page of ``items``, of which one more than the page holds was read to see the end."""

    def token_after(item: Item) -> str:
        return page.token(tuple(map(_text, sort_key(item))))

    shown = tuple(items[: page.size])
    more = len(items) > page.size
    return Page(shown, token_after(shown[-1]) if more else "", total, token_after=token_after)


def instant_and_id(after: tuple[str, ...]) -> tuple[datetime, str]:
    """The sort key of an instant and an id; raises `FieldInvalid`."""
    try:
        instant, row_id = after
        return moment_of(instant), row_id
    except ValueError as error:
        raise invalid_token() from error


def single_number(after: tuple[str, ...]) -> int:
    """The sort key of one number; raises `FieldInvalid`."""
    try:
        (number,) = after
        return number_of(number)
    except ValueError as error:
        raise invalid_token() from error


def invalid_token() -> FieldInvalid:
    """The refusal of a page token that was not made for this list."""
    return FieldInvalid([Violation("page_token", "not a token of ours")])


def _text(part: datetime | int | str) -> str:
    return part.isoformat() if isinstance(part, datetime) else str(part)
