"""Word, inside this process, that a tenant's ledger has grown."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable


class Tidings:
    """Implements `Growth`, and tells listeners; another replica's commits are not heard of here."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._listeners: list[Callable[[str], None]] = []

    def listen(self, listener: Callable[[str], None]) -> None:
        """Tell ``listener`` the tenant each time a ledger has grown."""
        self._listeners.append(listener)

    def grown(self, tenant: str) -> None:
        """The tenant's ledger has grown."""
        for waiting in self._waiting.pop(tenant, ()):
            waiting.set()
        for listener in self._listeners:
            listener(tenant)

    async def wait(self, tenant: str, seconds: float) -> None:
        """Return once the tenant's ledger has grown, or after ``seconds``."""
        word = asyncio.Event()
        self._waiting[tenant].add(word)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await word.wait()
        waiting = self._waiting.get(tenant)
        if waiting is not None:
            waiting.discard(word)
            if not waiting:
                del self._waiting[tenant]
