"""Waits for what happens by itself, without guessing how long it takes."""

import asyncio
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
