"""Seconds in which the test itself ran: what it slept through is held against nobody."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

TICK: Final = 0.05
STALL: Final = 0.25
"""Seconds without a tick that are no more the usual business of a loop."""


class Stopwatch:
    """Counts from its making; a stall of its own process is left out, shorter waits are not."""

    def __init__(self) -> None:
        self._seen = time.monotonic()
        self._counted = 0.0

    def look(self) -> float:
        """Seconds that have been counted so far."""
        now = time.monotonic()
        since, self._seen = now - self._seen, now
        self._counted += since if since < STALL else TICK
        return self._counted

    async def tick(self) -> None:
        """Look at it again and again, for ever."""
        while True:
            self.look()
            await asyncio.sleep(TICK)


@asynccontextmanager
async def stopwatch() -> AsyncIterator[Stopwatch]:
    """One that runs for the time of the context, as long as the loop lets it."""
    watch = Stopwatch()
    ticking = asyncio.create_task(watch.tick())
    try:
        yield watch
    finally:
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
