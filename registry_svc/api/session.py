"""One KeepAlive stream: many participants, each in its slot."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Final

from phoenix_dma.v1 import session_pb2
from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.errors import CredentialInvalid, FieldInvalid, QuotaExceeded, Violation
from phoenix_runtime.core.principal import Call
from registry_svc.api.convert_session import (
    directive_down,
    lease_down,
    loss_down,
    report_from_pb,
)
from registry_svc.api.outbound import Outbound
from registry_svc.domain.attendance import Attendance
from registry_svc.domain.hops import Hop, Hops
from registry_svc.domain.lease import LeaseTerms
from registry_svc.domain.presence import Loss, Presence
from registry_svc.usecases.attend import AttachParticipant, Beat, Turned, Wish
from registry_svc.usecases.directives import Mail
from registry_svc.usecases.leave import Leave

MOST_ATTACHES: Final = 100_000
"""Slots that one stream may ever use; numbers are not used twice, or a late beat would count for
somebody else."""
NEVER: Final = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionVerbs:
    """The use cases behind a stream."""

    attach: AttachParticipant
    beat: Beat
    leave: Leave
    mail: Mail
    attendance: Attendance
    hops: Hops
    terms: LeaseTerms


class Session:
    """The state of one stream; implements `domain.presence.Line` and `domain.hops.Carrier`."""

    def __init__(self, call: Call, verbs: SessionVerbs, outbound: Outbound) -> None:
        self._call = call
        self._verbs = verbs
        self._out = outbound
        self._slots: list[Presence | None] = []
        self._lapses: dict[int, float] = {}
        self._next_lapse = NEVER
        self.hop: Hop | None = None
        """The gateway's connection, where a gateway carries the stream."""

    def carried(self) -> Iterator[Presence]:
        """See `Carrier`."""
        return (presence for presence in self._slots if presence is not None)

    def direct(self, slot: int, directive: Directive) -> bool:
        """See `Line`."""
        return self._out.offer(directive_down(directive))

    def lose(self, slot: int, loss: Loss, participant_id: str, text: str) -> None:
        """See `Line`."""
        self._empty(slot)
        self._out.push(loss_down(slot, loss, participant_id, text))

    async def read(self, requests: AsyncIterator[session_pb2.KeepAliveRequest]) -> None:
        """Take everything that comes up, until the other side is done or a refusal ends it."""
        try:
            async for request in requests:
                await self._take(request)
            self._out.end()
        except asyncio.CancelledError:
            self._out.end()
            raise
        except Exception as error:  # noqa: BLE001  # handed to the stream, which answers it
            self._out.end(error)

    def close(self) -> None:
        """The stream is gone: everybody on it is suspect, nobody is lost."""
        for presence in self._slots:
            if presence is not None:
                self._verbs.attendance.detach(presence, self)
        self._slots.clear()

    async def _take(self, request: session_pb2.KeepAliveRequest) -> None:
        kind = request.WhichOneof("message")
        if kind == "beats":
            self._beats(request.beats)
        elif kind == "attach":
            await self._attach(request.attach)
        elif kind == "directive_ack":
            self._acknowledge(request.directive_ack)
        elif kind == "refresh":
            await self._refresh(request.refresh)
        elif kind == "goodbye":
            await self._goodbye(request.goodbye)
        else:
            raise FieldInvalid([Violation("message", "is required")])

    def _beats(self, beats: session_pb2.Beats) -> None:
        now = self._verbs.beat.now()
        if self.hop is not None:
            self.hop.heard = now
        if now >= self._next_lapse:
            self._drop_lapsed(now)
        present = [self._held(slot) for slot in beats.unchanged]
        for said in beats.beats:
            presence = self._held(said.slot)
            load, state, latency = report_from_pb(said)
            if presence is not None:
                presence.tell(load, state, latency)
                present.append(presence)
        self._verbs.beat(present, now)
        self._out.acknowledge(beats.seq)

    def _held(self, slot: int) -> Presence | None:
        """Who is in a slot; nobody where it was lost meanwhile."""
        if 0 <= slot < len(self._slots):
            return self._slots[slot]
        raise FieldInvalid([Violation("slot", f"no Lease named slot {slot} on this stream")])

    async def _attach(self, attach: session_pb2.Attach) -> None:
        await self._out.room()
        if len(self._slots) >= MOST_ATTACHES:
            text = f"A stream takes {MOST_ATTACHES} attachments; open another"
            raise QuotaExceeded(text, {"limit": MOST_ATTACHES})
        slot = len(self._slots)
        self._slots.append(None)
        wish = Wish(attach.participant_id, attach.generation, attach.credential)
        found = await self._verbs.attach(self._call, wish, self, slot=slot)
        if isinstance(found, Turned):
            self._out.push(loss_down(-1, found.loss, found.participant_id, found.text))
            return
        self._slots[slot] = found.presence
        self._lapse(slot, found.lapses)
        self._out.push(lease_down(slot, attach.participant_id, self._verbs.terms))

    def _acknowledge(self, ack: session_pb2.DirectiveAck) -> None:
        presence = self._held(ack.slot)
        if presence is not None:
            self._verbs.mail.answered(presence, ack.directive_id, ack.error)

    async def _refresh(self, refresh: session_pb2.Refresh) -> None:
        """A credential that does not hold loses the slot; one of somebody else, the stream."""
        presence = self._held(refresh.slot)
        if presence is None:
            return
        try:
            lapses = await self._verbs.attach.refresh(self._call, presence, refresh.credential)
        except CredentialInvalid as refused:
            self._drop(refresh.slot, presence, refused.text)
            return
        self._lapse(refresh.slot, lapses)

    async def _goodbye(self, goodbye: session_pb2.Goodbye) -> None:
        presence = self._held(goodbye.slot)
        if presence is None:
            return
        # Out of its slot first: a Goodbye is answered by nothing, least of all by LeaseLost.
        self._empty(goodbye.slot)
        self._verbs.attendance.detach(presence, self)
        await self._verbs.leave(self._call, presence)

    def _lapse(self, slot: int, moment: float) -> None:
        self._lapses[slot] = moment
        self._next_lapse = min(self._lapses.values())

    def _drop_lapsed(self, now: float) -> None:
        for slot in [slot for slot, moment in self._lapses.items() if now >= moment]:
            presence = self._slots[slot]
            if presence is not None:
                self._drop(slot, presence, "Its credential has expired.")
        self._next_lapse = min(self._lapses.values(), default=NEVER)

    def _drop(self, slot: int, presence: Presence, text: str) -> None:
        self._verbs.attendance.detach(presence, self)
        self.lose(slot, Loss.CREDENTIAL, presence.key.participant_id, text)

    def _empty(self, slot: int) -> None:
        self._slots[slot] = None
        self._lapses.pop(slot, None)
