"""Who is being served: one tenant alone may fill the runtime, beside others it has its share."""

import asyncio
from collections import OrderedDict, deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import QuotaExceeded

LATELY: Final = 1.0
"""Seconds for which a tenant that has asked counts as one that asks."""


@dataclass(slots=True)
class _Side:
    """One tenant's calls: how many are under way, and which wait in line."""

    under_way: int = 0
    line: deque[asyncio.Future[None]] = field(default_factory=deque)


class Places:
    """Places for calls under way, tenant by tenant.

    ``alone`` is how many a tenant has while nobody else asks, ``shared`` how many it has beside
    others, ``waiting`` how many of its calls may stand in line for one.
    """

    def __init__(self, *, alone: int, shared: int, waiting: int, clock: Clock) -> None:
        self._alone = alone
        self._shared = shared
        self._waiting = waiting
        self._clock = clock
        self._sides: dict[str, _Side] = {}
        self._asked: OrderedDict[str, float] = OrderedDict()

    async def take(self, tenant: str) -> None:
        """Wait for a place; every taker leaves it again. Raises `QuotaExceeded`: a full line."""
        self._note(tenant)
        side = self._sides.setdefault(tenant, _Side())
        if not side.line and side.under_way < self._most():
            side.under_way += 1
            return
        if len(side.line) >= self._waiting:
            text = f"{self._waiting} calls of your tenant are waiting already"
            raise QuotaExceeded(text, {"limit": self._waiting}, retry_after=LATELY)
        await self._stand(tenant, side)

    def leave(self, tenant: str) -> None:
        """Give a place back: whoever is next in the tenant's own line has it."""
        side = self._sides[tenant]
        side.under_way -= 1
        self._admit(side)
        if not side.under_way and not side.line:
            del self._sides[tenant]

    async def _stand(self, tenant: str, side: _Side) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        side.line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(tenant)  # it was called while it went away
            else:
                with suppress(ValueError):  # whoever left last has passed over it already
                    side.line.remove(turn)
            raise

    def _admit(self, side: _Side) -> None:
        most = self._most()
        while side.line and side.under_way < most:
            turn = side.line.popleft()
            if not turn.cancelled():
                turn.set_result(None)
                side.under_way += 1

    def _note(self, tenant: str) -> None:
        now = self._clock.monotonic()
        self._asked[tenant] = now
        self._asked.move_to_end(tenant)
        self._forget(now)

    def _forget(self, now: float) -> None:
        while self._asked and now - next(iter(self._asked.values())) > LATELY:
            self._asked.popitem(last=False)

    def _most(self) -> int:
        self._forget(self._clock.monotonic())
        return self._alone if len(self._asked) <= 1 else self._shared
