"""Runs one `KeepAlive` stream, from its opening to its end; `Attachment` opens the next one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from grpc.aio import AioRpcError

from phoenix_dma.aio.keepalive.lease import LeaseWatch
from phoenix_dma.aio.rpc.errors import error_of
from phoenix_dma.aio.rpc.transport import Transport, bearer
from phoenix_dma.errors import PhoenixError, Unavailable
from phoenix_dma.v1 import session_pb2
from phoenix_dma.v1.session_pb2 import KeepAliveRequest, KeepAliveResponse
from phoenix_dma.wire.stream_termination import keep_final_status

UNANSWERED_PART: Final = 0.3
"""The part of a lease for which a heartbeat may be unanswered: two thirds are left to come back."""
UNANSWERED_SECONDS: Final = 1.0
"""The least of it: a busy machine answers late."""
ATTACH_SECONDS: Final = 10.0
"""How long a lease may take: longer than a heartbeat's answer, since thousands may come at once."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A heartbeat: load from 0 to 1, a `HealthState`, seconds that the last execution took."""

    load: float
    state: session_pb2.HealthState.ValueType
    latency: float | None = None


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """How a stream ended: ``reason`` for a lost lease, ``error`` for a broken connection.

    ``silent`` is True where nothing broke and nobody answered, ``granted`` once there was a lease.
    """

    reason: session_pb2.LeaseLostReason.ValueType | None = None
    error: PhoenixError | None = None
    text: str = ""
    silent: bool = False
    granted: bool = False


class StreamListener(Protocol):
    """Receives what a stream brings."""

    def heartbeat(self) -> Heartbeat:
        """What the next heartbeat carries."""

    def attached(self) -> None:
        """A lease was granted and its first heartbeat acknowledged."""

    def directed(self, directive: session_pb2.Directive) -> None:
        """A directive arrived; it is acknowledged once it has been carried out."""


class KeepAliveStream:
    """A stream that carries one participant."""

    def __init__(self, transport: Transport, lease: LeaseWatch, listener: StreamListener) -> None:
        self._transport = transport
        self._lease = lease
        self._listener = listener
        self._outgoing: asyncio.Queue[KeepAliveRequest | None] = asyncio.Queue()
        self._beat_asked = asyncio.Event()
        self._slot = -1
        self._seq = 0
        self._last_sent: Heartbeat | None = None
        self._granted = False
        self._attached = False
        self._asked_at = 0.0
        self._disconnected = False
        self._silent = False
        self._cancel: Callable[[], bool] = bool
        self._beating: asyncio.Task[None] | None = None

    async def run(self, attach: session_pb2.Attach, token: str) -> StreamEnd:
        """Attach and stay until the stream ends; never raises but for cancellation."""
        self._asked_at = self._lease.attaching()
        self._outgoing.put_nowait(KeepAliveRequest(attach=attach))
        opened = self._transport.stubs.sessions.KeepAlive(self._requests(), metadata=bearer(token))
        call = keep_final_status(opened)
        self._cancel = call.cancel
        self._beating = asyncio.create_task(self._require_lease())
        try:
            return await self._read(call)
        except AioRpcError as error:
            return self._broken(error_of(error))
        except asyncio.CancelledError:
            # grpc.aio raises the same for a call that we cancelled and for a cancelled task.
            if not self._disconnected:
                raise
            return self._broken(Unavailable("The runtime no longer acknowledges heartbeats"))
        finally:
            await _stop(self._beating)
            self._outgoing.put_nowait(None)
            call.cancel()

    def _broken(self, error: PhoenixError) -> StreamEnd:
        return StreamEnd(error=error, silent=self._silent, granted=self._granted)

    async def _read(self, responses: AsyncIterable[KeepAliveResponse]) -> StreamEnd:
        async for response in responses:
            ended = await self._receive(response)
            if ended is not None:
                return ended
        return StreamEnd(error=Unavailable("The runtime closed the stream"))

    def disconnect(self) -> None:
        """End the stream without Goodbye; the lease runs on."""
        self._disconnected = True
        self._cancel()

    def beat_now(self) -> None:
        """Send a heartbeat at once: load or state changed."""
        self._beat_asked.set()

    def acknowledge(self, directive_id: str, error: str) -> None:
        """Acknowledge a directive; ``error`` says why it was not carried out."""
        ack = session_pb2.DirectiveAck(directive_id=directive_id, error=error, slot=self._slot)
        self._outgoing.put_nowait(KeepAliveRequest(directive_ack=ack))

    def refresh(self, token: str) -> None:
        """Send a new credential before the old one lapses."""
        if self._slot >= 0:
            refresh = session_pb2.Refresh(slot=self._slot, credential=token)
            self._outgoing.put_nowait(KeepAliveRequest(refresh=refresh))

    def goodbye(self) -> None:
        """Leave without retiring; the registry then ends the stream."""
        if self._slot >= 0:
            leave = session_pb2.Goodbye(slot=self._slot)
            self._outgoing.put_nowait(KeepAliveRequest(goodbye=leave))
        self._outgoing.put_nowait(None)

    async def _requests(self) -> AsyncIterator[KeepAliveRequest]:
        while (request := await self._outgoing.get()) is not None:
            yield request

    async def _receive(self, response: KeepAliveResponse) -> StreamEnd | None:
        kind = response.WhichOneof("message")
        if kind == "lease":
            self._slot = response.lease.slot
            ttl = response.lease.ttl.ToTimedelta().total_seconds()
            self._lease.granted(ttl, asked_at=self._asked_at)
            if not self._granted:
                self._granted = True
                await _stop(self._beating)
                self._beating = asyncio.create_task(self._beat(response.lease))
        elif kind == "beat_ack":
            self._lease.acknowledged(response.beat_ack.seq)
            if not self._attached:
                self._attached = True
                self._listener.attached()
        elif kind == "directive":
            self._listener.directed(response.directive)
        elif kind == "lease_lost":
            return StreamEnd(reason=response.lease_lost.reason, text=response.lease_lost.text)
        return None

    async def _beat(self, lease: session_pb2.Lease) -> None:
        """Send heartbeats at the granted interval; reconnect where none is acknowledged."""
        interval = max(0.05, lease.interval.ToTimedelta().total_seconds())
        while True:
            self._beat_asked.clear()
            self._send_beat()
            if not await self._answered_for(interval):
                self._fall_silent()
                return

    async def _answered_for(self, seconds: float) -> bool:
        """Wait, less where a heartbeat is asked for; False once one is unanswered for too long."""
        patience = max(UNANSWERED_SECONDS, UNANSWERED_PART * self._lease.ttl)
        until = time.monotonic() + seconds
        while self._lease.unanswered < patience:
            left = until - time.monotonic()
            if left <= 0 or self._beat_asked.is_set():
                return True
            await _within(self._beat_asked.wait(), min(left, patience - self._lease.unanswered))
        return False

    async def _require_lease(self) -> None:
        """End the stream where the attachment is not answered either."""
        await asyncio.sleep(ATTACH_SECONDS)
        self._fall_silent()

    def _fall_silent(self) -> None:
        self._silent = True
        self.disconnect()

    def _send_beat(self) -> None:
        self._seq += 1
        heartbeat = self._listener.heartbeat()
        beats = session_pb2.Beats(seq=self._seq)
        if heartbeat == self._last_sent:
            beats.unchanged.append(self._slot)
        else:
            beats.beats.append(_beat_of(self._slot, heartbeat))
            self._last_sent = heartbeat
        # Counted from before it is sent: the lease may only ever look shorter than it is.
        self._lease.sent(self._seq)
        self._outgoing.put_nowait(KeepAliveRequest(beats=beats))


def _beat_of(slot: int, heartbeat: Heartbeat) -> session_pb2.Beat:
    beat = session_pb2.Beat(slot=slot, load=heartbeat.load, state=heartbeat.state)
    if heartbeat.latency is not None:
        beat.latency.FromNanoseconds(int(heartbeat.latency * 1e9))
    return beat


async def _within(waiting: Awaitable[object], seconds: float) -> None:
    try:
        await asyncio.wait_for(waiting, seconds)
    except TimeoutError:
        return


async def _stop(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
