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
    """A queue with one reader, the stream's own generator, and one that waits for its room."""

    def __init__(self, clock: Clock, *, room: int = ROOM) -> None:
        self._clock = clock
        self._room = room
        # Lists and futures that are made when there is something to hold or to wait for: an idle
        # stream is a reader that waits, and there are very many of them.
        self._queue: deque[session_pb2.KeepAliveResponse] | None = None
        self._acked = -1
        self._ack_due = False
        self._end: BaseException | None = None
        self._ended = False
        self._reader: asyncio.Future[None] | None = None
        self._filler: asyncio.Future[None] | None = None
        self._sending_since: float | None = None

    def offer(self, message: session_pb2.KeepAliveResponse) -> bool:
        """Queue where there is room; False where there is none."""
        if self._full():
            return False
        self.push(message)
        return True

    def push(self, message: session_pb2.KeepAliveResponse) -> None:
        """Queue what there are only so many of: one loss for each slot."""
        if self._queue is None:
            self._queue = deque()
        self._queue.append(message)
        _wake(self._reader)

    async def room(self) -> None:
        """Wait until there is room: who does not read is not read from."""
        while self._full() and not self._ended:
            self._filler = asyncio.get_running_loop().create_future()
            await self._filler

    def acknowledge(self, seq: int) -> None:
        """The beats up to ``seq`` have arrived."""
        self._acked = max(self._acked, seq)
        self._ack_due = True
        _wake(self._reader)

    def end(self, error: BaseException | None = None) -> None:
        """Nothing comes behind what is queued; ``error`` is raised to the reader then."""
        if not self._ended:
            self._end, self._ended = error, True
        _wake(self._reader)
        _wake(self._filler)

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
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader

    def _full(self) -> bool:
        return self._queue is not None and len(self._queue) >= self._room

    def _take(self) -> session_pb2.KeepAliveResponse | None:
        if self._queue:
            message = self._queue.popleft()
            if not self._queue:
                self._queue = None
            _wake(self._filler)
            return message
        if self._ack_due:
            self._ack_due = False
            return ack_down(self._acked)
        return None


def _wake(waiting: asyncio.Future[None] | None) -> None:
    """Let whoever waits look again; there is one at most, the reader or who fills."""
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
