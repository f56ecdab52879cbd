"""Repeats a step that was based on a stale read, up to a bound."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from assignment_svc.domain.predicates import StaleRead, TooSlow

ResultT = TypeVar("ResultT")


async def in_rounds(rounds: int, step: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """Run ``step`` until it raises no `StaleRead`; raises `TooSlow` after so many ``rounds``."""
    for _ in range(rounds):
        try:
            return await step()
        except StaleRead:
            continue
    raise TooSlow
