"""Runs calls with one key one after the other; a result that one publishes answers the others.

Many calls that race for one task would each search and ask policy, all but one in vain, and a
machine that is busy with that answers none of them in time. The task's row decides in any case, for
calls at other replicas too; waiting here is only cheaper. A call that waits has a deadline of its
own, and stops waiting when that is over.
"""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

ResultT = TypeVar("ResultT")


@dataclass(slots=True)
class _Group(Generic[ResultT]):
    """The calls with one key: the one that runs, those that wait, and the newest result."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    members: int = 0
    result: ResultT | None = None
    published: int = 0
    """How many results have been published."""


class Flight(Generic[ResultT]):
    """One call's turn. ``result`` is the newest that was published since the call came, or None.

    An older result is of no use: much may have happened since.
    """

    def __init__(self, group: _Group[ResultT], published_before: int) -> None:
        self._group = group
        self.result = group.result if group.published > published_before else None

    def publish(self, result: ResultT) -> None:
        """Give ``result`` to the calls that wait."""
        self._group.result = result
        self._group.published += 1


class SingleFlight(Generic[ResultT]):
    """Groups of calls by key; a group exists as long as it has members."""

    def __init__(self) -> None:
        self._groups: dict[Hashable, _Group[ResultT]] = {}

    def __len__(self) -> int:
        """How many groups there are."""
        return len(self._groups)

    @asynccontextmanager
    async def flight(self, key: Hashable) -> AsyncIterator[Flight[ResultT]]:
        """Wait until every earlier call with this ``key`` is done; in order."""
        group = self._groups.setdefault(key, _Group())
        group.members += 1
        published_before = group.published
        try:
            async with group.lock:
                yield Flight(group, published_before)
        finally:
            group.members -= 1
            if not group.members:
                del self._groups[key]
