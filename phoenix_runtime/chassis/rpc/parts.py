"""Asks a peer about many things at once, in as many calls as requests and answers need."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from phoenix_runtime.core.errors import TooLarge

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


async def in_parts(
    items: Sequence[Asked],
    ask: Callable[[Sequence[Asked]], Awaitable[Sequence[Answered]]],
    *,
    largest: int,
) -> list[Answered]:
    """What ``ask`` answers about ``items``, in order, at most ``largest`` of them in one call.

    A part whose request or answer is `TooLarge` is asked in halves; one item alone raises it.
    """
    answered: list[Answered] = []
    for at in range(0, len(items), largest):
        answered += await _in_halves(items[at : at + largest], ask)
    return answered


async def _in_halves(
    items: Sequence[Asked], ask: Callable[[Sequence[Asked]], Awaitable[Sequence[Answered]]]
) -> Sequence[Answered]:
    try:
        return await ask(items)
    except TooLarge:
        if len(items) < 2:
            raise
    middle = len(items) // 2
    return [*await _in_halves(items[:middle], ask), *await _in_halves(items[middle:], ask)]
