"""Answers that grow: pages end by their size, and what is asked at once is asked in parts."""

from collections.abc import Sequence

import pytest

from phoenix_dma.v1 import assignment_pb2
from phoenix_runtime.chassis.data.paging import page_of
from phoenix_runtime.chassis.rpc.pages import page_to_pb
from phoenix_runtime.chassis.rpc.parts import in_parts
from phoenix_runtime.core.errors import TooLarge
from phoenix_runtime.core.pages import PAGE_BYTES, Page, page_request

HALF = "x" * (PAGE_BYTES // 2)


def task(name: str) -> assignment_pb2.Task:
    return assignment_pb2.Task(task_id=name, reason=HALF)


def page(token: str = "", size: int = 3) -> Page[str]:
    """A page of the names from a to g."""
    request = page_request(size, token, "names")
    after = request.after[0] if request.after else ""
    names = [name for name in "abcdefg" if name > after]
    return page_of(names[: size + 1], request, lambda name: (name,))


def test_a_page_ends_with_the_item_that_makes_it_large_enough_and_goes_on_after_it() -> None:
    seen: list[str] = []
    token = ""
    sizes = []
    while not seen or token:
        made, token = page_to_pb(page(token), task)
        sizes.append(len(made))
        seen += [one.task_id for one in made]
    assert "".join(seen) == "abcdefg"
    assert sizes == [2, 2, 2, 1]


def test_a_page_of_small_items_is_as_long_as_was_asked() -> None:
    made, token = page_to_pb(page(), lambda name: assignment_pb2.Task(task_id=name))
    assert len(made) == 3
    assert token == page().next_token != ""


def test_one_item_larger_than_a_page_is_a_page_of_its_own() -> None:
    made, token = page_to_pb(
        page(), lambda name: assignment_pb2.Task(task_id=name, reason=HALF + HALF)
    )
    assert len(made) == 1
    assert [one.task_id for one in page_to_pb(page(token), task)[0]] == ["b", "c"]


class Peer:
    """Takes at most ``largest`` items in one call."""

    def __init__(self, largest: int) -> None:
        self.largest = largest
        self.asked: list[int] = []

    async def __call__(self, items: Sequence[int]) -> Sequence[int]:
        self.asked.append(len(items))
        if len(items) > self.largest:
            raise TooLarge("answer", size=len(items), limit=self.largest)
        return [10 * item for item in items]


async def test_what_is_too_large_at_once_is_asked_in_halves_and_stays_in_order() -> None:
    peer = Peer(largest=3)
    assert await in_parts(range(10), peer, largest=8) == [10 * item for item in range(10)]
    assert peer.asked == [8, 4, 2, 2, 4, 2, 2, 2]


async def test_one_item_that_is_too_large_is_refused() -> None:
    with pytest.raises(TooLarge):
        await in_parts([1], Peer(largest=0), largest=8)
