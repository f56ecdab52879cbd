"""Callers that want the same thing take turns: what the first has done answers the others.

Many that race for one task would each search and ask policy, all but one in vain, and a machine
that is busy with that answers none of them in time. The task's row decides as before, for those
of another replica too; waiting here is only cheaper. Who waits is a call with a deadline of its
own, and leaves the line when that is over.
"""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Line:
    """Whoever has their turn, or waits for it."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    members: int = 0


class Turns:
    """Lines, each for as long as anybody stands in it."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, _Line] = {}

    def __len__(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    @asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncIterator[None]:
        """Wait until everybody who came before with this ``key`` is done; in order."""
        line = self._lines.setdefault(key, _Line())
        line.members += 1
        try:
            async with line.turn:
                yield
        finally:
            line.members -= 1
            if not line.members:
                del self._lines[key]
