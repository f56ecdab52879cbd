"""Detects that a participant's event loop does not turn, and what blocks it."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Final

from phoenix_dma.log import EventLog

LOOK_SECONDS: Final = 0.5
BLOCKED_SECONDS: Final = 5.0
"""A loop that did not turn for so long is reported."""

log = EventLog(__name__)


class LoopMonitor:
    """Watches the running loop, in which it has to be made; `run` belongs to another loop.

    ``changed`` is called from there whenever `blocked` becomes another; ``now`` is in seconds of a
    monotonic clock.
    """

    def __init__(
        self, changed: Callable[[], None], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._changed = changed
        self._now = now
        self._turned = threading.Event()
        self._turned.set()
        self._asked_at = 0.0
        self.blocked = False
        """True while the loop does not turn."""

    async def run(self) -> None:
        """Look until cancelled, or until the watched loop is closed."""
        turning = True
        while turning:
            turning = self.look()
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> bool:
        """Compare with what was seen before; False where the watched loop is closed."""
        if self._turned.is_set():
            self._report(blocked=False)
            self._turned.clear()
            self._asked_at = self._now()
            return self._ask()
        if self._now() - self._asked_at >= BLOCKED_SECONDS:
            self._report(blocked=True)
        return not self._loop.is_closed()

    def _ask(self) -> bool:
        try:
            self._loop.call_soon_threadsafe(self._turned.set)
        except RuntimeError:  # it was closed
            return False
        return True

    def _report(self, *, blocked: bool) -> None:
        if blocked == self.blocked:
            return
        self.blocked = blocked
        seconds = self._now() - self._asked_at
        if blocked:
            log.error("handler_loop_blocked", stack=self._stack(), seconds=round(seconds, 1))
        else:
            log.warning("handler_loop_turns", seconds=round(seconds, 1))
        self._changed()

    def _stack(self) -> str:
        frame = sys._current_frames().get(self._thread)  # noqa: SLF001  # as faulthandler does
        if frame is None:
            return "its thread has ended"
        return "".join(traceback.format_stack(frame))
