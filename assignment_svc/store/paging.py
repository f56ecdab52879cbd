"""Newest first, page by page: by time and id, so that a row which arrives meanwhile moves none."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, literal, tuple_

from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.pages import Page, PageRequest, moment_of

Item = TypeVar("Item")


def newest_first(
    statement: Select[Any],
    keys: tuple[ColumnElement[Any], ColumnElement[Any]],
    page: PageRequest,
) -> Select[Any]:
    """One row more than the page holds, from where the last page ended."""
    at, row_id = keys
    if page.after:
        moment, last_id = _parsed(page.after)
        statement = statement.where(tuple_(at, row_id) < tuple_(literal(moment), literal(last_id)))
    return statement.order_by(at.desc(), row_id.desc()).limit(page.size + 1)


def paged(
    items: Sequence[Item], page: PageRequest, key: Callable[[Item], tuple[datetime, str]]
) -> Page[Item]:
    """The page of ``items``, which hold one more where there is a next one."""
    shown = tuple(items[: page.size])
    if len(items) <= page.size:
        return Page(shown)
    at, row_id = key(shown[-1])
    return Page(shown, page.token((at.isoformat(), row_id)))


def _parsed(after: tuple[str, ...]) -> tuple[datetime, str]:
    try:
        moment, row_id = after
        return moment_of(moment), row_id
    except ValueError as error:
        raise FieldInvalid([Violation("page_token", "not a token of ours")]) from error
