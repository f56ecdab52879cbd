"""Keeps a participant attached: opens one `KeepAlive` stream after the other.

A broken connection is opened again, with jitter; one that does not answer is replaced at once,
since gRPC would open the next stream on it. A lapsed credential is renewed first, and a participant
whose lease expired registers again. Two ends are final: a newer generation of the same participant,
and retirement.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, Protocol

from phoenix_dma.aio.keepalive.lease import LeaseWatch
from phoenix_dma.aio.keepalive.stream import KeepAliveStream, StreamEnd, StreamListener
from phoenix_dma.aio.rpc.backoff import Backoff
from phoenix_dma.aio.rpc.transport import Credential, Transport
from phoenix_dma.errors import CredentialInvalid, PhoenixError
from phoenix_dma.log import EventLog
from phoenix_dma.v1 import session_pb2
from phoenix_dma.wire.conversions import short

log = EventLog(__name__)


class Loss(StrEnum):
    """Why a participant treats its lease as lost."""

    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    RETIRED = "retired"
    CREDENTIAL = "credential"
    UNKNOWN = "unknown"
    SLOW_READER = "slow_reader"
    SILENCE = "silence"
    LEFT = "left"

    @property
    def exit_code(self) -> int:
        """What a program whose participant ended so exits with: 4 superseded, 5 retired, else 0."""
        return EXIT_CODES.get(self, 0)


EXIT_CODES: Final[Mapping[Loss, int]] = {Loss.SUPERSEDED: 4, Loss.RETIRED: 5}
"""The ends that a supervisor has to tell from success: starting again is of no use after them."""

FINAL: Final = frozenset({Loss.SUPERSEDED, Loss.RETIRED})
"""After these the participant does not attach again."""
REGISTER: Final = frozenset({Loss.EXPIRED, Loss.UNKNOWN})
"""After these it registers again."""
RECONNECT: Final = frozenset({Loss.SLOW_READER, Loss.CREDENTIAL})
"""After these its lease still runs: it attaches again."""

TRIES_PER_LEASE: Final = 3
"""How often at least it tries to attach within a lease: after an outage the registry waits one."""


class AttachedParticipant(StreamListener, Protocol):
    """The participant behind an attachment."""

    @property
    def participant_id(self) -> str:
        """Its id."""

    @property
    def generation(self) -> int:
        """The generation of its last registration."""

    async def register(self) -> object:
        """Register (again)."""

    def lost(self, loss: Loss, text: str) -> None:
        """The lease is gone: handlers have to stop."""


class Attachment:
    """Keeps a registered participant attached until `stop`, or until an end that is final."""

    def __init__(
        self,
        transport: Transport,
        credential: Credential,
        participant: AttachedParticipant,
        *,
        lease: LeaseWatch | None = None,
        on_silence: Callable[[], None] = lambda: None,
    ) -> None:
        self._transport = transport
        self._credential = credential
        self._participant = participant
        self._backoff = Backoff()
        self._stream: KeepAliveStream | None = None
        self._stopping = asyncio.Event()
        self._again = False
        self._attached = False
        self._on_silence = on_silence
        self.lease = lease or LeaseWatch()

    async def run(self) -> Loss:
        """Stay attached; return why it ended (LEFT after `stop`)."""
        watching = asyncio.create_task(self._watch_lease())
        try:
            while not self._stopping.is_set():
                ended = await self._attach()
                loss = await self._recover(ended)
                if loss is not None:
                    return loss
            return Loss.LEFT
        finally:
            watching.cancel()

    def stop(self) -> None:
        """Send Goodbye and end."""
        self._stopping.set()
        if self._stream is not None:
            self._stream.goodbye()

    def register_again(self) -> None:
        """End this stream, register and attach: the registry asked for it (register_again)."""
        self._again = True
        if self._stream is not None:
            self._stream.disconnect()

    def beat_now(self) -> None:
        """Send a heartbeat at once, where a stream is open."""
        if self._stream is not None:
            self._stream.beat_now()

    def acknowledge(self, directive_id: str, error: str = "") -> None:
        """Acknowledge a directive; without a stream it is delivered again later."""
        if self._stream is not None:
            self._stream.acknowledge(directive_id, error)

    async def refresh(self) -> None:
        """Send the current credential over the open stream."""
        token = await self._credential.token()
        if self._stream is not None:
            self._stream.refresh(token)

    async def _attach(self) -> StreamEnd:
        self._transport.connection.look_again()
        try:
            token = await self._credential.token()
        except PhoenixError as error:
            return StreamEnd(error=error)
        attach = session_pb2.Attach(
            participant_id=self._participant.participant_id,
            generation=self._participant.generation,
            credential=token,
        )
        listener = _AttachmentListener(self._participant, self._on_attached)
        self._stream = KeepAliveStream(self._transport, self.lease, listener)
        try:
            return await self._stream.run(attach, token)
        finally:
            self._stream = None

    def _on_attached(self) -> None:
        self._attached = True
        self._backoff.reset()
        self._participant.attached()

    async def _recover(self, ended: StreamEnd) -> Loss | None:
        """Do what the end of a stream calls for; return the loss where it is final."""
        if self._stopping.is_set():
            return Loss.LEFT
        loss = _loss(ended)
        if self._again:
            self._again, loss = False, Loss.EXPIRED
        if loss is None or loss in RECONNECT:
            await self._reconnect(ended)
            return None
        self._give_up(loss, ended.text)
        if loss in FINAL:
            return loss
        if loss in REGISTER:
            await self._register()
        else:
            await self._pause()
        return None

    async def _reconnect(self, ended: StreamEnd) -> None:
        """Wait, and renew a refused credential: the lease outlives its stream."""
        log.info(
            "stream_ended",
            participant=self._participant.participant_id,
            error=ended.text or ended.error,
        )
        if isinstance(ended.error, CredentialInvalid) or _loss(ended) is Loss.CREDENTIAL:
            try:
                await self._credential.renewed(await self._credential.token())
            except PhoenixError as error:
                log.warning(
                    "credential_not_renewed",
                    participant=self._participant.participant_id,
                    error=error,
                )
        if ended.silent:
            self._transport.connection.open_another()
            self._on_silence()
        if not (ended.silent and ended.granted):
            # A runtime that grants no lease may be flooded: whoever comes back at once adds to it.
            await self._pause()

    async def _register(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._participant.register()
            except PhoenixError as error:
                log.warning(
                    "participant_not_registered",
                    participant=self._participant.participant_id,
                    error=error,
                )
                await self._pause()
            else:
                return

    async def _pause(self) -> None:
        longest = self.lease.ttl / TRIES_PER_LEASE or math.inf
        try:
            await asyncio.wait_for(self._stopping.wait(), self._backoff.next(at_most=longest))
        except TimeoutError:
            return

    async def _watch_lease(self) -> None:
        """Give the lease up as soon as it may have expired unnoticed."""
        while True:
            if self._attached and not self.lease.holds:
                self._give_up(Loss.SILENCE, "no heartbeat was acknowledged for a lease's length")
            await asyncio.sleep(max(0.02, min(self.lease.remaining, 0.5)))

    def _give_up(self, loss: Loss, text: str) -> None:
        self.lease.lost()
        self._attached = False
        if loss is Loss.SILENCE and self._stream is not None:
            # The next stream has to attach anew and resume what the participant held.
            self._stream.disconnect()
        self._participant.lost(loss, text)


class _AttachmentListener:
    """Forwards what a stream brings to the participant; the attachment sees `attached` first."""

    def __init__(
        self,
        participant: AttachedParticipant,
        on_attached: Callable[[], None],
    ) -> None:
        self.heartbeat = participant.heartbeat
        self.directed = participant.directed
        self.attached = on_attached


def _loss(ended: StreamEnd) -> Loss | None:
    if ended.reason is None:
        return None
    name = short(session_pb2.LeaseLostReason, ended.reason)
    return Loss(name) if name in set(Loss) else Loss.UNKNOWN
