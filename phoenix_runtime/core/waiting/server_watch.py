"""Notices that a server says nothing any more, once for all who wait for it: PostgreSQL.

How long a statement has taken says nothing about that: it may wait for a row's lock, and the
machine may be busy. So where nothing was heard for a second while somebody waits, a new connection
asks whether anybody is there. Where that is not answered either, whatever waits is ended, and what
comes is refused at once until an attempt is answered. A call that would have waited for a
statement, for its rollback, and for the connections after it, has waited once.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from contextvars import Context
from datetime import timedelta
from typing import Final

from phoenix_runtime.core.errors import Unavailable

QUIET_SECONDS: Final = 1.0
"""How long nothing may be heard, while somebody waits, before the server is asked."""
PAUSE_SECONDS: Final = 0.5
"""The pause between two attempts to reach a server that is silent."""
STEPS: Final = 10
"""An answer is waited for in so many steps. Where this process itself stands still, that is one of
them: what came meanwhile is heard in the next."""


class ServerWatch:
    """Watches over the connections of one pool.

    ``reach`` returns, or raises an error that the server or its machine gave, where somebody is
    there; it gives up by itself some time after ``patience``, which is how long that may take.
    ``told`` learns that the server is silent (True), and that it is heard again.
    """

    def __init__(
        self,
        reach: Callable[[], Awaitable[object]],
        patience: timedelta,
        told: Callable[[bool], None],
    ) -> None:
        self._reach = reach
        self._step = patience.total_seconds() / STEPS
        self._told = told
        self._waiting: dict[Hashable, tuple[float, Callable[[], None]]] = {}
        """Since when each waits, the first one first, and what ends it."""
        self._heard_at = 0.0
        self._silent = False
        self._timer: asyncio.TimerHandle | None = None
        self._asking: asyncio.Task[None] | None = None

    def require_heard(self) -> None:
        """Raise `core.errors.Unavailable` while the server is silent."""
        if self._silent:
            raise Unavailable("The database does not answer")

    def begins(self, waiter: Hashable, give_up: Callable[[], None]) -> None:
        """Note that ``waiter`` waits for the server; ``give_up`` ends that where it is silent."""
        self._waiting[waiter] = _now(), give_up
        if self._timer is None and self._asking is None:
            self._look_in(QUIET_SECONDS)

    def ends(self, waiter: Hashable, *, heard: bool) -> None:
        """Note that ``waiter`` waits no more, and whether the server has answered it."""
        self._waiting.pop(waiter, None)
        if heard:
            self._heard_at = _now()

    @asynccontextmanager
    async def waiting(self, seconds: float | None = None) -> AsyncIterator[None]:
        """Wait inside until the server is silent, or ``seconds`` are over: TimeoutError then."""
        async with asyncio.timeout(seconds) as limit:

            def give_up() -> None:
                if not limit.expired():
                    limit.reschedule(_now())

            self.begins(limit, give_up)
            try:
                yield
            finally:
                self.ends(limit, heard=False)

    async def close(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    def _look_in(self, seconds: float) -> None:
        # In no caller's context: a timer would keep the call that happened to start it.
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, self._look, context=Context())

    def _look(self) -> None:
        """Ask, where nothing was heard for long enough; else look again when that may be so."""
        self._timer = None
        if not self._waiting:
            return
        first, _ = next(iter(self._waiting.values()))
        quiet = _now() - max(first, self._heard_at)
        if quiet < QUIET_SECONDS:
            self._look_in(QUIET_SECONDS - quiet)
        else:
            self._asking = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        """Return once the server is heard; end what waits for it until then."""
        try:
            while not await self._is_heard():
                self._end_waiting()
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            self._asking = None
        self._heard_at = _now()
        self._become(silent=False)
        if self._waiting:
            self._look_in(QUIET_SECONDS)

    async def _is_heard(self) -> bool:
        """Whether this attempt, or anybody who waits, is answered in time."""
        begun = _now()
        attempt = asyncio.create_task(self._attempt())
        try:
            for _ in range(STEPS):
                await asyncio.wait([attempt], timeout=self._step)
                if attempt.done() or self._heard_at >= begun:
                    break
            return self._heard_at >= begun
        finally:
            attempt.cancel()
            await asyncio.wait([attempt])

    async def _attempt(self) -> None:
        """Reach the server; a refusal is an answer, too."""
        try:
            await self._reach()
        except ConnectionError:
            pass  # of the machine, which is there: who waits is told by it as well
        except OSError:
            return  # a time-out, or no way to it
        except Exception:  # noqa: BLE001, S110  # of the server: too many connections, say
            pass
        self._heard_at = _now()

    def _become(self, *, silent: bool) -> None:
        if silent is not self._silent:
            self._told(silent)
        self._silent = silent

    def _end_waiting(self) -> None:
        self._become(silent=True)
        for _, give_up in list(self._waiting.values()):
            give_up()


def _now() -> float:
    return asyncio.get_running_loop().time()
