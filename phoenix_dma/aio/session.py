"""A participant's presence: streams, one after the other, as long as it wants to be here.

A broken connection is opened again, with jitter. What cannot be mended that way is: a lapsed
credential is renewed, a participant that the house lost sight of registers again. Two ends are for
good: a newer generation of the same participant, and retirement.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import Any, Final, Protocol

from phoenix_dma.aio.backoff import Backoff
from phoenix_dma.aio.lease import LeaseWatch
from phoenix_dma.aio.stream import Ended, Listener, Stream
from phoenix_dma.aio.transport import Credential, Transport
from phoenix_dma.errors import CredentialInvalid, PhoenixError
from phoenix_dma.plain import short
from phoenix_dma.v1 import session_pb2

log = logging.getLogger(__name__)


class Loss(StrEnum):
    """Why leases are treated as lost."""

    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    RETIRED = "retired"
    CREDENTIAL = "credential"
    UNKNOWN = "unknown"
    SLOW_READER = "slow_reader"
    SILENCE = "silence"
    LEFT = "left"


FINAL: Final = frozenset({Loss.SUPERSEDED, Loss.RETIRED})
"""After these the participant does not come back."""
REGISTER: Final = frozenset({Loss.EXPIRED, Loss.UNKNOWN})
"""After these it registers again."""
RECONNECT: Final = frozenset({Loss.SLOW_READER, Loss.CREDENTIAL})
"""After these its lease still runs: it attaches again."""

TRIES: Final = 3
"""So often at least it tries to come back in a lease: a house that was away gives everybody one."""


class Member(Listener, Protocol):
    """The participant behind a session."""

    @property
    def participant_id(self) -> str:
        """Its id."""

    @property
    def generation(self) -> int:
        """The generation of its last registration."""

    async def register(self) -> object:
        """Register (again)."""

    def lost(self, loss: Loss, text: str) -> None:
        """The leases are gone: handlers have to be told."""


class Session:
    """Keeps a registered participant attached until `stop`, or until the house ends it for good."""

    def __init__(self, transport: Transport, credential: Credential, member: Member) -> None:
        self._transport = transport
        self._credential = credential
        self._member = member
        self._backoff = Backoff()
        self._stream: Stream | None = None
        self._stopping = asyncio.Event()
        self._again = False
        self._held = False
        self.lease = LeaseWatch()

    async def run(self) -> Loss:
        """Stay attached; answers why it ended (LEFT after `stop`)."""
        watching = asyncio.create_task(self._watch())
        try:
            while not self._stopping.is_set():
                ended = await self._attach()
                loss = await self._mend(ended)
                if loss is not None:
                    return loss
            return Loss.LEFT
        finally:
            watching.cancel()

    def stop(self) -> None:
        """Say Goodbye and end."""
        self._stopping.set()
        if self._stream is not None:
            self._stream.goodbye()

    def register_again(self) -> None:
        """The house asked for it (directive register_again): end this stream, register, attach."""
        self._again = True
        if self._stream is not None:
            self._stream.hang_up()

    def nudge(self) -> None:
        """Beat now."""
        if self._stream is not None:
            self._stream.nudge()

    def acknowledge(self, directive_id: str, error: str = "") -> None:
        """Acknowledge a directive; without a stream it is delivered again, and then."""
        if self._stream is not None:
            self._stream.acknowledge(directive_id, error)

    async def refresh(self) -> None:
        """Bring the current credential onto the stream."""
        token = await self._credential.token()
        if self._stream is not None:
            self._stream.refresh(token)

    async def _attach(self) -> Ended:
        try:
            token = await self._credential.token()
        except PhoenixError as error:
            return Ended(error=error)
        attach = session_pb2.Attach(
            participant_id=self._member.participant_id,
            generation=self._member.generation,
            credential=token,
        )
        self._stream = Stream(self._transport, self.lease, _Hearing(self._member, self._welcome))
        try:
            return await self._stream.run(attach, token)
        finally:
            self._stream = None

    async def _welcome(self) -> None:
        self._held = True
        self._backoff.reset()
        await self._member.attached()

    async def _mend(self, ended: Ended) -> Loss | None:
        """Do what the end of a stream asks for; answers the loss where it is final."""
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

    async def _reconnect(self, ended: Ended) -> None:
        """A lost stream is not a lost participant: the lease runs on while we come back."""
        log.info("the stream ended (%s); reconnecting", ended.text or ended.error)
        if isinstance(ended.error, CredentialInvalid) or _loss(ended) is Loss.CREDENTIAL:
            try:
                await self._credential.renewed(await self._credential.token())
            except PhoenixError as error:
                log.warning("the credential could not be renewed: %s", error)
        await self._pause()

    async def _register(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._member.register()
            except PhoenixError as error:
                log.warning("registering again failed: %s", error)
                await self._pause()
            else:
                return

    async def _pause(self) -> None:
        longest = self.lease.ttl / TRIES or math.inf
        try:
            await asyncio.wait_for(self._stopping.wait(), self._backoff.next(at_most=longest))
        except TimeoutError:
            return

    async def _watch(self) -> None:
        """Give the lease up when it cannot be known to stand any more."""
        while True:
            if self._held and not self.lease.holds:
                self._give_up(Loss.SILENCE, "no beat was acknowledged for a lease's length")
            await asyncio.sleep(max(0.02, min(self.lease.remaining, 0.5)))

    def _give_up(self, loss: Loss, text: str) -> None:
        self.lease.lost()
        self._held = False
        if loss is Loss.SILENCE and self._stream is not None:
            # Whoever comes back has to be welcomed anew, and resume what it held.
            self._stream.hang_up()
        self._member.lost(loss, text)


class _Hearing:
    """The member, with the session told first when it is welcomed."""

    def __init__(self, member: Member, welcome: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.pulse = member.pulse
        self.directed = member.directed
        self.attached = welcome


def _loss(ended: Ended) -> Loss | None:
    if ended.reason is None:
        return None
    name = short(session_pb2.LeaseLostReason, ended.reason)
    return Loss(name) if name in set(Loss) else Loss.UNKNOWN
