from datetime import UTC, datetime

import pytest
from sqlalchemy import BigInteger, DateTime, Text, column, select

from phoenix_runtime.chassis.data.paging import (
    highest_first,
    instant_and_id,
    newest_first,
    page_of,
    single_number,
)
from phoenix_runtime.core.errors import FieldInvalid
from phoenix_runtime.core.pages import PageRequest, page_request

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
AT, ROW_ID = column("created_at", DateTime(timezone=True)), column("task_id", Text)
VERSION = column("version", BigInteger)


def page(size: int, token: str = "") -> PageRequest:
    return page_request(size, token, {"list": "tasks"})


def test_a_full_page_names_the_sort_key_that_the_next_one_begins_after() -> None:
    first = page_of(["a", "b", "c"], page(2), lambda item: (NOON, item))
    assert first.items == ("a", "b")
    assert instant_and_id(page(2, first.next_token).after) == (NOON, "b")


def test_the_last_page_has_no_token() -> None:
    assert page_of(["a", "b"], page(2), lambda item: (NOON, item)).next_token == ""


def test_a_number_is_a_sort_key_of_its_own() -> None:
    first = page_of([9, 8], page(1), lambda number: (number,))
    assert single_number(page(1, first.next_token).after) == 9


@pytest.mark.parametrize(
    "after", [("yesterday", "t-1"), ("2026-01-31T12:00:00", "t-1"), (NOON.isoformat(),), ()]
)
def test_a_sort_key_of_another_list_is_refused(after: tuple[str, ...]) -> None:
    with pytest.raises(FieldInvalid):
        instant_and_id(after)


@pytest.mark.parametrize("after", [("-1",), ("one",), (str(2**63),), ("1", "2"), ()])
def test_no_number_is_refused(after: tuple[str, ...]) -> None:
    with pytest.raises(FieldInvalid):
        single_number(after)


def test_a_page_is_read_with_one_row_more_to_see_the_end() -> None:
    statement = str(newest_first(select(AT, ROW_ID), (AT, ROW_ID), page(2)))
    assert "ORDER BY created_at DESC, task_id DESC" in statement
    assert "WHERE" not in statement
    token = page(2).token((NOON.isoformat(), "t-1"))
    compiled = newest_first(select(AT, ROW_ID), (AT, ROW_ID), page(2, token)).compile()
    assert "(created_at, task_id) < " in str(compiled)
    assert {NOON, "t-1", 3} <= set(compiled.params.values())


def test_numbers_are_read_from_the_highest_down() -> None:
    compiled = highest_first(select(VERSION), VERSION, page(2, page(2).token(("7",)))).compile()
    assert "version < " in str(compiled)
    assert "ORDER BY version DESC" in str(compiled)
    assert {7, 3} == set(compiled.params.values())
