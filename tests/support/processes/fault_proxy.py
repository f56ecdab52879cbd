"""A TCP proxy that breaks: it cuts, it falls silent in one direction or both, it delays.

Before several targets it is one address for all of them: each connection goes to the next.

Silence holds what comes, as a network does whose packets are sent again until they arrive: when the
link heals, everything that was under way is delivered late, and in order.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Self

LOOPBACK: Final = "127.0.0.1"
CHUNK: Final = 1 << 16

Pipe = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Flow:
    """One direction of a link."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.delay = 0.0
        """Seconds that everything takes longer."""

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand on whatever comes, and then the end."""
        while data := await reader.read(CHUNK):
            if self.delay:
                await asyncio.sleep(self.delay)
            await self.open.wait()
            writer.write(data)
            await writer.drain()
        await self.open.wait()
        writer.close()


class FaultProxy:
    """Stands before its ``targets`` (``host:port``); an async context manager."""

    def __init__(self, *targets: str) -> None:
        self._targets = deque(targets)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.requests = Flow()
        self.answers = Flow()
        self._cut = False
        self.accepted = 0
        """How many connections were made to it."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, LOOPBACK, port)

    async def stop(self) -> None:
        """Hang up on everybody."""
        assert self._server is not None
        self._server.close()
        self._hang_up()
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    @property
    def address(self) -> str:
        """Where to connect instead of the target."""
        assert self._server is not None
        return f"{LOOPBACK}:{self._server.sockets[0].getsockname()[1]}"

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Every connection is reset, and so is each that is tried meanwhile."""
        self._cut = True
        self._hang_up()
        try:
            yield
        finally:
            self._cut = False

    @contextmanager
    def silent(self, *, requests: bool = True, answers: bool = True) -> Iterator[None]:
        """Nothing arrives in the named directions, and nobody is told; later all of it does."""
        flows = [self.requests] * requests + [self.answers] * answers
        for flow in flows:
            flow.open.clear()
        try:
            yield
        finally:
            for flow in flows:
                flow.open.set()

    def forget(self) -> None:
        """Carry nothing more on the connections of now, and tell nobody, as a NAT that forgot them.

        New ones are carried.
        """
        for flow in (self.requests, self.answers):
            flow.open.clear()
        self.requests, self.answers = Flow(), Flow()

    @contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        """Everything takes so much longer in each direction."""
        self.requests.delay = self.answers.delay = seconds
        try:
            yield
        finally:
            self.requests.delay = self.answers.delay = 0.0

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.accepted += 1
        self._serving.add(task)
        try:
            await self._serve((reader, writer))
        except (OSError, asyncio.CancelledError):
            _reset(writer)  # the other side is gone, or the test is over
        finally:
            self._serving.discard(task)

    async def _serve(self, near: Pipe) -> None:
        if self._cut:
            _reset(near[1])
            return
        # The kernel has taken the connection; whether anybody is there only an answer would tell.
        await self.requests.open.wait()
        far = await self._next()
        ends = {near[1], far[1]}
        self._writers |= ends
        try:
            await self._both_ways(near, far)
        finally:
            self._writers -= ends
            for writer in ends:
                _reset(writer)

    async def _next(self) -> Pipe:
        """To the target whose turn it is; one where nobody listens is passed over."""
        for left in reversed(range(len(self._targets))):
            host, _, port = self._targets[0].rpartition(":")
            self._targets.rotate(-1)
            try:
                return await asyncio.open_connection(host, int(port))
            except OSError:
                if not left:
                    raise
        raise AssertionError("a proxy has a target")

    async def _both_ways(self, near: Pipe, far: Pipe) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(_quietly(self.requests.carry(near[0], far[1])))
            group.create_task(_quietly(self.answers.carry(far[0], near[1])))

    def _hang_up(self) -> None:
        for writer in list(self._writers):
            _reset(writer)


async def _quietly(carrying: object) -> None:
    """An end that is gone ends this direction alone; the other may have something to deliver."""
    with contextlib.suppress(OSError):
        await carrying  # type: ignore[misc]


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
