"""Notifies of appends to a tenant's ledger, inside this process."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Collection


class LocalLedgerNotifier:
    """Implements `LedgerNotifier` for the appends of this process, and calls subscribers."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._subscribers: list[Callable[[str, Collection[str]], None]] = []

    def subscribe(self, subscriber: Callable[[str, Collection[str]], None]) -> None:
        """Call ``subscriber`` after each append, with the tenant and the types of the events."""
        self._subscribers.append(subscriber)

    def notify(self, tenant: str, types: Collection[str]) -> None:
        """Wake whoever waits for the tenant's ledger, and call the subscribers."""
        for waiting in self._waiting.pop(tenant, ()):
            waiting.set()
        for subscriber in self._subscribers:
            subscriber(tenant, types)

    async def wait(self, tenant: str, seconds: float) -> None:
        """Return after the next append to the tenant's ledger, or after ``seconds``."""
        appended = asyncio.Event()
        self._waiting[tenant].add(appended)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await appended.wait()
        waiting = self._waiting.get(tenant)
        if waiting is not None:
            waiting.discard(appended)
            if not waiting:
                del self._waiting[tenant]
