"""The bounded buffer of messages that go down one stream (I14).

Acknowledgements of heartbeats take no space: a newer one replaces those before it. Everything else
is queued; who adds a message waits for space, or learns that there is none.
"""

import asyncio
from collections import deque
from typing import Final

from phoenix_dma.v1 import session_pb2
from phoenix_runtime.core.clock import Clock
from registry_svc.api.convert_session import beat_ack_message

CAPACITY: Final = 256
"""Messages that may wait for a reader."""


class SendBuffer:
    """A queue with one reader, the stream's own generator, and one writer that waits for space."""

    def __init__(self, clock: Clock, *, capacity: int = CAPACITY) -> None:
        self._clock = clock
        self._capacity = capacity
        # Queue and futures are made when they are needed: an idle stream is only a reader that
        # waits, and there are very many of them.
        self._queue: deque[session_pb2.KeepAliveResponse] | None = None
        self._acked = -1
        self._ack_due = False
        self._error: BaseException | None = None
        self._ended = False
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._sending_since: float | None = None

    def try_send(self, message: session_pb2.KeepAliveResponse) -> bool:
        """Queue a message; False where the buffer is full."""
        if self._full():
            return False
        self.send(message)
        return True

    def send(self, message: session_pb2.KeepAliveResponse) -> None:
        """Queue a message of a bounded kind over the capacity: at most one loss a slot."""
        if self._queue is None:
            self._queue = deque()
        self._queue.append(message)
        _wake(self._reader)

    async def wait_for_space(self) -> None:
        """Wait until there is space: a stream that is not read is not read from either."""
        while self._full() and not self._ended:
            self._writer = asyncio.get_running_loop().create_future()
            await self._writer

    def acknowledge_beats(self, seq: int) -> None:
        """Acknowledge the heartbeats up to ``seq``."""
        self._acked = max(self._acked, seq)
        self._ack_due = True
        _wake(self._reader)

    def end(self, error: BaseException | None = None) -> None:
        """End after what is queued; the reader then gets ``error`` raised, where there is one."""
        if not self._ended:
            self._error, self._ended = error, True
        _wake(self._reader)
        _wake(self._writer)

    def blocked_for(self) -> float:
        """For how many seconds gRPC has not taken the message under way."""
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
            if self._error is not None:
                raise self._error
            if self._ended:
                return None
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader

    def _full(self) -> bool:
        return self._queue is not None and len(self._queue) >= self._capacity

    def _take(self) -> session_pb2.KeepAliveResponse | None:
        if self._queue:
            message = self._queue.popleft()
            if not self._queue:
                self._queue = None
            _wake(self._writer)
            return message
        if self._ack_due:
            self._ack_due = False
            return beat_ack_message(self._acked)
        return None


def _wake(waiting: asyncio.Future[None] | None) -> None:
    """Let the one that waits look again: the reader or the writer, where there is one."""
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
