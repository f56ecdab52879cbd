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
from typing import Generic, TypeVar

Said = TypeVar("Said")


@dataclass(slots=True)
class _Line(Generic[Said]):
    """Whoever has their turn, or waits for it, and what was said last."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    members: int = 0
    said: Said | None = None
    times: int = 0


class Turn(Generic[Said]):
    """One caller's turn. ``said`` is what was said last since the caller came; None for nothing.

    What was said before that is old news: much may have happened since.
    """

    def __init__(self, line: _Line[Said], came: int) -> None:
        self._line = line
        self.said = line.said if line.times > came else None

    def say(self, said: Said) -> None:
        """Tell those who wait what this turn has come to."""
        self._line.said = said
        self._line.times += 1


class Turns(Generic[Said]):
    """Lines, each for as long as anybody stands in it."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, _Line[Said]] = {}

    def __len__(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    @asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncIterator[Turn[Said]]:
        """Wait until everybody who came before with this ``key`` is done; in order."""
        line = self._lines.setdefault(key, _Line())
        line.members += 1
        came = line.times
        try:
            async with line.turn:
                yield Turn(line, came)
        finally:
            line.members -= 1
            if not line.members:
                del self._lines[key]
