"""Waits for what happens by itself, without guessing how long it takes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

T = TypeVar("T")
PATIENCE: Final = 300.0
"""Seconds after which a test that waits for an event is taken to hang: far more than it takes on
a machine that does ten other things meanwhile."""


async def until(look: Callable[[], Awaitable[T | None]], seconds: float = PATIENCE) -> T:
    """Look again and again until ``look`` answers something true; raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            found = await look()
            if found:
                return found
            await asyncio.sleep(0.02)


def wait_until(look: Callable[[], T | None], seconds: float = PATIENCE) -> T:
    """As `until`, in a test that is no coroutine."""
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() >= end:
            raise TimeoutError(f"it did not come about within {seconds:g} s")
        time.sleep(0.02)
    return found
