"""Limits how many calls of each tenant are served at once: alone all, beside others a share."""

import asyncio
from collections import OrderedDict, deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import QuotaExceeded

RECENT_SECONDS: Final = 1.0
"""Seconds for which a tenant counts as active after its last call."""


@dataclass(slots=True)
class _TenantCalls:
    """One tenant's calls: how many are being served, and which wait."""

    active: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class ConcurrencyLimit:
    """Slots for concurrent calls, tenant by tenant.

    ``alone`` is how many a tenant has while nobody else asks, ``shared`` how many it has beside
    others, ``waiting`` how many of its calls may wait for one.
    """

    def __init__(self, *, alone: int, shared: int, waiting: int, clock: Clock) -> None:
        self._alone = alone
        self._shared = shared
        self._waiting = waiting
        self._clock = clock
        self._tenants: dict[str, _TenantCalls] = {}
        self._last_calls: OrderedDict[str, float] = OrderedDict()

    async def acquire(self, tenant: str) -> None:
        """Wait for a slot, to be released again. Raises `QuotaExceeded` if too many wait."""
        self._note(tenant)
        calls = self._tenants.setdefault(tenant, _TenantCalls())
        if not calls.waiting and calls.active < self._most():
            calls.active += 1
            return
        if len(calls.waiting) >= self._waiting:
            text = f"{self._waiting} calls of your tenant are waiting already"
            raise QuotaExceeded(text, {"limit": self._waiting}, retry_after=RECENT_SECONDS)
        await self._wait(tenant, calls)

    def release(self, tenant: str) -> None:
        """Give a slot back; the tenant's next waiting call gets it."""
        calls = self._tenants[tenant]
        calls.active -= 1
        self._admit(calls)
        if not calls.active and not calls.waiting:
            del self._tenants[tenant]

    async def _wait(self, tenant: str, calls: _TenantCalls) -> None:
        admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        calls.waiting.append(admitted)
        try:
            await admitted
        except asyncio.CancelledError:
            if admitted.done() and not admitted.cancelled():
                self.release(tenant)  # it was admitted while it was being cancelled
            else:
                with suppress(ValueError):  # a release has removed it already
                    calls.waiting.remove(admitted)
            raise

    def _admit(self, calls: _TenantCalls) -> None:
        most = self._most()
        while calls.waiting and calls.active < most:
            admitted = calls.waiting.popleft()
            if not admitted.cancelled():
                admitted.set_result(None)
                calls.active += 1

    def _note(self, tenant: str) -> None:
        now = self._clock.monotonic()
        self._last_calls[tenant] = now
        self._last_calls.move_to_end(tenant)
        self._forget(now)

    def _forget(self, now: float) -> None:
        while self._last_calls and now - next(iter(self._last_calls.values())) > RECENT_SECONDS:
            self._last_calls.popitem(last=False)

    def _most(self) -> int:
        self._forget(self._clock.monotonic())
        return self._alone if len(self._last_calls) <= 1 else self._shared
