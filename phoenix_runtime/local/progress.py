"""Says what a start is doing, and when each part of it is done: whoever waits sees what for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from phoenix_runtime.local.connections import said_as_connection


async def told(
    tell: Callable[[str], None], doing: str, step: Callable[[], Awaitable[None]]
) -> None:
    """Run ``step``; ``tell`` takes a sentence before it and another one after it.

    Raises what the step raises, and `ConnectionFailed` where a connection of it breaks.
    """
    tell(doing)
    clock = asyncio.get_running_loop().time
    began = clock()
    with said_as_connection(doing):
        await step()
    tell(f"{doing}: done after {clock() - began:.1f} s")


def starting(service: str) -> str:
    """What is done while ``service`` starts; governance serves once it has tried its policy."""
    first = ", which loads and tests its policy first" if service == "governance" else ""
    return f"starting {service}{first}"
