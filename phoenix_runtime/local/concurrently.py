"""Several things at once, all of which have to succeed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


async def concurrently(*work: Coroutine[None, None, None]) -> None:
    """Await all of it; on the first failure cancel the rest, wait for its end, and raise."""
    try:
        async with asyncio.TaskGroup() as group:
            for coroutine in work:
                group.create_task(coroutine)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
