"""One `KeepAlive` stream, from its opening to its end; `Session` opens the next one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from grpc.aio import AioRpcError

from phoenix_dma.aio.endings import telling_why
from phoenix_dma.aio.lease import LeaseWatch
from phoenix_dma.aio.refusals import error_of
from phoenix_dma.aio.transport import Transport, bearer
from phoenix_dma.errors import PhoenixError, Unavailable
from phoenix_dma.v1 import session_pb2
from phoenix_dma.v1.session_pb2 import KeepAliveRequest, KeepAliveResponse


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a beat says: load from 0 to 1, a `HealthState`, the seconds that the last work took."""

    load: float
    state: session_pb2.HealthState.ValueType
    latency: float | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a stream ended: the house took the lease away, or the connection broke."""

    reason: session_pb2.LeaseLostReason.ValueType | None = None
    error: PhoenixError | None = None
    text: str = ""


class Listener(Protocol):
    """Whoever is told what the stream brings."""

    def pulse(self) -> Pulse:
        """What the next beat says."""

    async def attached(self) -> None:
        """A lease was granted and its first beat acknowledged."""

    def directed(self, directive: session_pb2.Directive) -> None:
        """A directive arrived; it is acknowledged once it has been carried out."""


class Stream:
    """A stream that carries one participant."""

    def __init__(self, transport: Transport, lease: LeaseWatch, listener: Listener) -> None:
        self._transport = transport
        self._lease = lease
        self._listener = listener
        self._outgoing: asyncio.Queue[KeepAliveRequest | None] = asyncio.Queue()
        self._nudge = asyncio.Event()
        self._slot = -1
        self._seq = 0
        self._said: Pulse | None = None
        self._welcomed = False
        self._asked_at = 0.0
        self._hung_up = False
        self._cancel: Callable[[], bool] = bool
        self._beating: asyncio.Task[None] | None = None

    async def run(self, attach: session_pb2.Attach, token: str) -> Ended:
        """Attach and stay until the stream ends; never raises but for cancellation."""
        self._asked_at = self._lease.attaching()
        self._outgoing.put_nowait(KeepAliveRequest(attach=attach))
        opened = self._transport.stubs.sessions.KeepAlive(self._requests(), metadata=bearer(token))
        call = telling_why(opened)
        self._cancel = call.cancel
        try:
            return await self._read(call)
        except AioRpcError as error:
            return Ended(error=error_of(error))
        except asyncio.CancelledError:
            # grpc.aio tells whoever reads a call that was hung up as it tells a cancelled task.
            if not self._hung_up:
                raise
            return Ended(error=Unavailable("The house stopped answering beats"))
        finally:
            await _stop(self._beating)
            self._outgoing.put_nowait(None)
            call.cancel()

    async def _read(self, responses: AsyncIterable[KeepAliveResponse]) -> Ended:
        async for response in responses:
            ended = await self._receive(response)
            if ended is not None:
                return ended
        return Ended(error=Unavailable("The house closed the stream"))

    def hang_up(self) -> None:
        """End the stream without a word; the lease runs on."""
        self._hung_up = True
        self._cancel()

    def nudge(self) -> None:
        """Beat now: there is something new to say."""
        self._nudge.set()

    def acknowledge(self, directive_id: str, error: str) -> None:
        """Say what became of a directive."""
        ack = session_pb2.DirectiveAck(directive_id=directive_id, error=error, slot=self._slot)
        self._outgoing.put_nowait(KeepAliveRequest(directive_ack=ack))

    def refresh(self, token: str) -> None:
        """Bring a new credential before the old one lapses."""
        if self._slot >= 0:
            refresh = session_pb2.Refresh(slot=self._slot, credential=token)
            self._outgoing.put_nowait(KeepAliveRequest(refresh=refresh))

    def goodbye(self) -> None:
        """Leave without retiring; the house ends the stream then."""
        if self._slot >= 0:
            leave = session_pb2.Goodbye(slot=self._slot)
            self._outgoing.put_nowait(KeepAliveRequest(goodbye=leave))
        self._outgoing.put_nowait(None)

    async def _requests(self) -> AsyncIterator[KeepAliveRequest]:
        while (request := await self._outgoing.get()) is not None:
            yield request

    async def _receive(self, response: KeepAliveResponse) -> Ended | None:
        kind = response.WhichOneof("message")
        if kind == "lease":
            self._slot = response.lease.slot
            ttl = response.lease.ttl.ToTimedelta().total_seconds()
            self._lease.granted(ttl, asked_at=self._asked_at)
            self._beating = self._beating or asyncio.create_task(self._beat(response.lease))
        elif kind == "beat_ack":
            self._lease.acknowledged(response.beat_ack.seq)
            if not self._welcomed:
                self._welcomed = True
                await self._listener.attached()
        elif kind == "directive":
            self._listener.directed(response.directive)
        elif kind == "lease_lost":
            return Ended(reason=response.lease_lost.reason, text=response.lease_lost.text)
        return None

    async def _beat(self, lease: session_pb2.Lease) -> None:
        """Beat at the house's pace; hang up where it does not answer, for a better connection."""
        interval = max(0.05, lease.interval.ToTimedelta().total_seconds())
        while True:
            self._send_beat()
            self._nudge.clear()
            await _within(self._nudge.wait(), interval)
            if self._lease.silence > max(2.5 * interval, self._lease.ttl / 2):
                self.hang_up()
                return

    def _send_beat(self) -> None:
        self._seq += 1
        pulse = self._listener.pulse()
        beats = session_pb2.Beats(seq=self._seq)
        if pulse == self._said:
            beats.unchanged.append(self._slot)
        else:
            beats.beats.append(_beat_of(self._slot, pulse))
            self._said = pulse
        # Counted from before it is sent: the lease may only ever look shorter than it is.
        self._lease.sent(self._seq)
        self._outgoing.put_nowait(KeepAliveRequest(beats=beats))


def _beat_of(slot: int, pulse: Pulse) -> session_pb2.Beat:
    beat = session_pb2.Beat(slot=slot, load=pulse.load, state=pulse.state)
    if pulse.latency is not None:
        beat.latency.FromNanoseconds(int(pulse.latency * 1e9))
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
