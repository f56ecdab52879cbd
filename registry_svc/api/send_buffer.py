"""The bounded buffer of messages that go down one stream (I14).

Acknowledgements of heartbeats take no space: a newer one replaces those before it. Everything else
is queued; who adds a message waits for space, or learns that there is none.

Nearly all that goes down a stream are acknowledgements. Where nothing else is on its way, one is
written by the task that has taken the heartbeat: waking another task costs a third more.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from phoenix_dma.v1 import session_pb2
from phoenix_runtime.core.clock import Clock
from registry_svc.api.convert_session import beat_ack_message

CAPACITY: Final = 256
"""Messages that may wait for a reader."""


Write: TypeAlias = Callable[[bytes], Awaitable[None]]
"""Writes one message to the stream, and returns once gRPC has taken it."""


class SendBuffer:
    """A queue with one reader, the stream's own generator, and one writer that waits for space.

    ``write`` is the stream's own; without it every message goes through the generator.
    """

    def __init__(
        self, clock: Clock, *, capacity: int = CAPACITY, write: Write | None = None
    ) -> None:
        self._clock = clock
        self._capacity = capacity
        self._write = write
        self._writing = False
        """Whether an acknowledgement is being written beside the generator."""
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

    async def acknowledge_beats(self, seq: int) -> None:
        """Acknowledge the heartbeats up to ``seq``.

        Returns once gRPC has taken it, or at once where something else is on its way: then it is
        sent after that, or a newer one.
        """
        self._acked = max(self._acked, seq)
        write = self._write
        if write is None or self._sending_since is not None or self._queue or self._ended:
            self._ack_due = True
            _wake(self._reader)
            return
        self._writing, self._sending_since = True, self._clock.monotonic()
        try:
            await write(beat_ack_message(self._acked).SerializeToString())
        except Exception:  # noqa: BLE001  # the stream is gone; how it ended is gRPC's to tell
            self._ended = True
        finally:
            self._writing, self._sending_since = False, None
            if self._queue or self._ended:
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
        if not self._writing:
            self._sending_since = None
        while True:
            if self._writing:
                await self._woken()
                continue
            message = self._take()
            if message is not None:
                self._sending_since = self._clock.monotonic()
                return message
            if self._error is not None:
                raise self._error
            if self._ended:
                return None
            await self._woken()

    async def _woken(self) -> None:
        """Wait until there is something to look at."""
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
