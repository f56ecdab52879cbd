"""Load: the same call again and again by a number of callers, and how long each call took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.robustness.crowds.measures import percentile

Call = Callable[[], Awaitable[object]]
WARM_CALLS: Final = 3
"""Calls of each caller before the clock runs: connections, caches and plans are there."""


@dataclass(frozen=True, slots=True)
class Timings:
    """The length of each call in seconds, and of all together."""

    lengths: Sequence[float]
    took: float

    @property
    def count(self) -> int:
        """How many calls were answered."""
        return len(self.lengths)

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self.count / self.took

    def milliseconds(self, part: float) -> float:
        """A percentile, such as 0.5 or 0.99."""
        return 1000 * percentile(self.lengths, part)


async def drive(
    calls: Sequence[Call], *, seconds: float = 0.0, count: int | None = None
) -> Timings:
    """Make each of ``calls`` again and again without a pause, all of them at once.

    For ``seconds``, or until ``count`` were made in all. Whatever a call raises ends the load: a
    figure is of answered calls alone.
    """
    lengths: list[float] = []
    begun = time.perf_counter()
    left = iter(range(count)) if count is not None else None

    def go_on() -> bool:
        if left is None:
            return time.perf_counter() - begun < seconds
        return next(left, None) is not None

    async def caller(call: Call) -> None:
        while go_on():
            asked = time.perf_counter()
            await call()
            lengths.append(time.perf_counter() - asked)

    try:
        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(caller(call))
    except ExceptionGroup as several:
        raise several.exceptions[0] from None
    return Timings(lengths, time.perf_counter() - begun)


async def warm(calls: Sequence[Call]) -> None:
    """A few calls of each caller that nobody measures."""
    await drive(calls, count=WARM_CALLS * len(calls))
