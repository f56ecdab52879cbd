"""What goes down one stream, with bounded room (I14).

Acknowledgements of beats need none: a newer one stands for all before it. Everything else waits in
a queue; who fills it has to wait, or is told that there is no room.
"""

import asyncio
from collections import deque
from typing import Final

from phoenix_dma.v1 import session_pb2
from phoenix_runtime.core.clock import Clock
from registry_svc.api.convert_session import ack_down

ROOM: Final = 256
"""Messages that may wait for a reader."""


class Outbound:
    """A queue with one reader, the stream's own generator."""

    def __init__(self, clock: Clock, *, room: int = ROOM) -> None:
        self._clock = clock
        self._room = room
        self._queue: deque[session_pb2.KeepAliveResponse] = deque()
        self._acked = -1
        self._ack_due = False
        self._end: BaseException | None = None
        self._ended = False
        self._news = asyncio.Event()
        self._drained = asyncio.Event()
        self._sending_since: float | None = None

    def offer(self, message: session_pb2.KeepAliveResponse) -> bool:
        """Queue where there is room; False where there is none."""
        if len(self._queue) >= self._room:
            return False
        self.push(message)
        return True

    def push(self, message: session_pb2.KeepAliveResponse) -> None:
        """Queue what there are only so many of: one loss for each slot."""
        self._queue.append(message)
        self._news.set()

    async def room(self) -> None:
        """Wait until there is room: who does not read is not read from."""
        while len(self._queue) >= self._room and not self._ended:
            self._drained.clear()
            await self._drained.wait()

    def acknowledge(self, seq: int) -> None:
        """The beats up to ``seq`` have arrived."""
        self._acked = max(self._acked, seq)
        self._ack_due = True
        self._news.set()

    def end(self, error: BaseException | None = None) -> None:
        """Nothing comes behind what is queued; ``error`` is raised to the reader then."""
        if not self._ended:
            self._end, self._ended = error, True
        self._news.set()
        self._drained.set()

    def stuck_for(self) -> float:
        """For how many seconds the message under way has not been taken."""
        since = self._sending_since
        return 0.0 if since is None else self._clock.monotonic() - since

    async def next(self) -> session_pb2.KeepAliveResponse | None:
        """The next message; None at the end. Raises what `end` was given."""
        self._sending_since = None
        while True:
            message = self._take()
            if message is not None:
                self._sending_since = self._clock.monotonic()
                return message
            if self._end is not None:
                raise self._end
            if self._ended:
                return None
            self._news.clear()
            await self._news.wait()

    def _take(self) -> session_pb2.KeepAliveResponse | None:
        if self._queue:
            message = self._queue.popleft()
            self._drained.set()
            return message
        if self._ack_due:
            self._ack_due = False
            return ack_down(self._acked)
        return None
