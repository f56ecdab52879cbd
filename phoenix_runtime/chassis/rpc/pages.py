"""Turns a page of items into messages, and ends it where it would be too large for one answer."""

from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import Message

from phoenix_runtime.core.pages import PAGE_BYTES, Page

Item = TypeVar("Item")
Made = TypeVar("Made", bound=Message)


def page_to_pb(page: Page[Item], convert: Callable[[Item], Made]) -> tuple[list[Made], str]:
    """The items of ``page`` as messages, and the token of the next page.

    It ends with the item that reaches `PAGE_BYTES`; the token then stands for the ones left out.
    """
    made: list[Made] = []
    size = 0
    for item in page.items:
        if size >= PAGE_BYTES:
            return made, page.token_after(page.items[len(made) - 1])
        made.append(convert(item))
        size += made[-1].ByteSize()
    return made, page.next_token
