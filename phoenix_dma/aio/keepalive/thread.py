"""Keeps a participant attached from a thread and an event loop of its own.

A handler that blocks the participant's loop costs no lease then: heartbeats go on and say DEGRADED,
so nobody assigns more, and the log has the stack of what blocks the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from phoenix_dma.aio.keepalive.attachment import AttachedParticipant, Attachment, Loss
from phoenix_dma.aio.keepalive.lease import LeaseWatch
from phoenix_dma.aio.keepalive.loop_monitor import LoopMonitor
from phoenix_dma.aio.keepalive.stream import Heartbeat
from phoenix_dma.aio.rpc.credentials import EnrolledCredential, GivenCredential
from phoenix_dma.aio.rpc.transport import Transport
from phoenix_dma.errors import PhoenixError
from phoenix_dma.log import EventLog
from phoenix_dma.loop_thread import LoopThread
from phoenix_dma.v1 import session_pb2

SHORTEST_REFRESH: Final = 1.0

Credential = GivenCredential | EnrolledCredential
log = EventLog(__name__)


class AttachmentThread:
    """An `Attachment` in a thread of its own, with a connection of its own.

    Its methods belong to the participant's loop, in which the participant is called too; only
    ``heartbeat`` and ``generation`` are read from the thread. ``lease`` may be read anywhere.
    """

    def __init__(
        self,
        transport: Transport,
        credential: Credential,
        participant: AttachedParticipant,
    ) -> None:
        self._transport = transport
        self._credential = credential
        self._participant = participant
        self._attachment: Attachment | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self.lease = LeaseWatch()

    async def run(self) -> Loss:
        """Stay attached until `stop`, or until an end that is final; return why it ended."""
        home = asyncio.get_running_loop()
        monitor = LoopMonitor(self._beat_from_thread)
        thread = LoopThread("phoenix-dma-keepalive")
        self._loop = thread.loop
        try:
            attached = self._attached(home, monitor)
            return await asyncio.wrap_future(
                asyncio.run_coroutine_threadsafe(attached, thread.loop)
            )
        finally:
            self._attachment = None
            thread.stop()

    def stop(self) -> None:
        """Send Goodbye and end."""
        self._stopping = True
        self._post(lambda attachment: attachment.stop())

    def register_again(self) -> None:
        """End the stream, register and attach."""
        self._post(lambda attachment: attachment.register_again())

    def beat_now(self) -> None:
        """Send a heartbeat at once, where a stream is open."""
        self._post(lambda attachment: attachment.beat_now())

    def acknowledge(self, directive_id: str, error: str = "") -> None:
        """Acknowledge a directive; without a stream it is delivered again later."""
        self._post(lambda attachment: attachment.acknowledge(directive_id, error))

    async def _attached(self, home: asyncio.AbstractEventLoop, monitor: LoopMonitor) -> Loss:
        """In the thread: attach, over a connection that no call of the handlers shares."""
        transport = self._transport.another()
        credential = self._credential.beside(transport)
        attachment = Attachment(
            transport,
            credential,
            _Elsewhere(self._participant, home, monitor),
            lease=self.lease,
            # Whatever waits in the participant's loop waits on a connection that is silent too.
            on_silence=lambda: _call_in(home, self._transport.connection.open_another),
        )
        self._attachment = attachment
        if self._stopping:
            attachment.stop()
        beside = {
            asyncio.create_task(_watch(monitor, attachment)),
            asyncio.create_task(_refresh(credential, attachment)),
        }
        try:
            return await attachment.run()
        finally:
            for task in beside:
                task.cancel()
            await transport.close()

    def _beat_from_thread(self) -> None:
        if self._attachment is not None:
            self._attachment.beat_now()

    def _post(self, call: Callable[[Attachment], None]) -> None:
        attachment = self._attachment
        if attachment is not None and self._loop is not None:
            _call_in(self._loop, lambda: call(attachment))


class _Elsewhere:
    """The participant as the thread sees it: it lives in the loop ``home``."""

    def __init__(
        self,
        participant: AttachedParticipant,
        home: asyncio.AbstractEventLoop,
        monitor: LoopMonitor,
    ) -> None:
        self._participant = participant
        self._home = home
        self._monitor = monitor
        self.participant_id = participant.participant_id

    @property
    def generation(self) -> int:
        """The generation of its last registration."""
        return self._participant.generation

    def heartbeat(self) -> Heartbeat:
        """What the next heartbeat carries: DEGRADED while its loop does not turn."""
        heartbeat = self._participant.heartbeat()
        if self._monitor.blocked and heartbeat.state == session_pb2.HEALTH_STATE_SERVING:
            return replace(heartbeat, state=session_pb2.HEALTH_STATE_DEGRADED)
        return heartbeat

    async def register(self) -> object:
        """Register (again), in its own loop."""
        registering = self._participant.register()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(registering, self._home))

    def attached(self) -> None:
        """A lease was granted and its first heartbeat acknowledged."""
        _call_in(self._home, self._participant.attached)

    def directed(self, directive: session_pb2.Directive) -> None:
        """A directive arrived."""
        _call_in(self._home, lambda: self._participant.directed(directive))

    def lost(self, loss: Loss, text: str) -> None:
        """The lease is gone. Writes are refused from now on, even while the loop is blocked."""
        _call_in(self._home, lambda: self._participant.lost(loss, text))


async def _watch(monitor: LoopMonitor, attachment: Attachment) -> None:
    await monitor.run()
    # The watched loop is closed: whoever was to execute tasks is gone.
    attachment.stop()


async def _refresh(credential: Credential, attachment: Attachment) -> None:
    """Send each new credential over the stream before the old one lapses."""
    while True:
        await asyncio.sleep(max(SHORTEST_REFRESH, credential.seconds_to_renewal()))
        try:
            await attachment.refresh()
        except PhoenixError as refused:
            log.warning("credential_not_renewed", error=refused)


def _call_in(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    """Call in another thread's loop, unless that has ended: then nobody is there to be called."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(call)
