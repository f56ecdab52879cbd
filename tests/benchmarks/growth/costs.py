"""What an operation costs in processor time, less what the runtime uses by itself meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from tests.benchmarks.frame.metering import SETTLE_SECONDS, CountingRuntime

IDLE_SECONDS = 5.0


class Costs:
    """Costs on one runtime; `calibrate` first, while nobody asks."""

    def __init__(self, counting: CountingRuntime) -> None:
        self._counting = counting
        self._idle = 0.0
        """Milliseconds a second."""

    async def calibrate(self) -> None:
        """Find out what the runtime uses while nobody asks."""
        _, spent = await self._counting.measured(lambda: asyncio.sleep(IDLE_SECONDS))
        self._idle = spent.processor() / (IDLE_SECONDS + SETTLE_SECONDS)

    async def each(self, count: int, work: Callable[[], Awaitable[object]]) -> float:
        """Milliseconds of a processor for each of the ``count`` operations that ``work`` is."""
        timed: list[float] = []

        async def timing() -> None:
            begun = time.perf_counter()
            await work()
            timed.append(time.perf_counter() - begun)

        _, spent = await self._counting.measured(timing)
        idle = self._idle * (timed[0] + SETTLE_SECONDS)
        # The kernel tells hundredths of a second: what is too cheap to tell is not nothing.
        return max(spent.processor() - idle, 1.0) / count
