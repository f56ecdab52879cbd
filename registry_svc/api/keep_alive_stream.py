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
    directive_message,
    lease_lost_message,
    lease_message,
    report_from_pb,
)
from registry_svc.api.send_buffer import SendBuffer
from registry_svc.domain.gateway_links import GatewayLink, GatewayLinks
from registry_svc.domain.lease import LeaseTerms
from registry_svc.domain.session import LeaseLostReason, Session
from registry_svc.domain.session_table import SessionTable
from registry_svc.usecases.sessions.attach import (
    AttachParticipant,
    AttachRefused,
    AttachRequest,
)
from registry_svc.usecases.sessions.directive_queue import DirectiveQueue
from registry_svc.usecases.sessions.leave import Leave
from registry_svc.usecases.sessions.record_heartbeats import RecordHeartbeats

MAX_ATTACHES: Final = 100_000
"""Slots that one stream may ever use. A number is not used twice: a late heartbeat would count for
another participant."""
NEVER: Final = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUseCases:
    """The use cases behind a stream, and what they share."""

    attach: AttachParticipant
    record: RecordHeartbeats
    leave: Leave
    queue: DirectiveQueue
    sessions: SessionTable
    gateway_links: GatewayLinks
    terms: LeaseTerms


class KeepAliveStream:
    """The state of one stream.

    Implements `domain.session.SessionStream` and `domain.gateway_links.LinkedStream`.
    """

    def __init__(self, call: Call, use_cases: SessionUseCases, buffer: SendBuffer) -> None:
        self._call = call
        self._use_cases = use_cases
        self._buffer = buffer
        self._slots: list[Session | None] = []
        self._expiries: dict[int, float] = {}
        self._next_expiry = NEVER
        self.link: GatewayLink | None = None
        """The gateway's connection, where a gateway carries the stream."""

    def sessions(self) -> Iterator[Session]:
        """See `LinkedStream`."""
        return (session for session in self._slots if session is not None)

    def send_directive(self, slot: int, directive: Directive) -> bool:
        """See `SessionStream`."""
        return self._buffer.try_send(directive_message(directive))

    def revoke(self, slot: int, reason: LeaseLostReason, participant_id: str, text: str) -> None:
        """See `SessionStream`."""
        self._empty(slot)
        self._buffer.send(lease_lost_message(slot, reason, participant_id, text))

    async def read(self, requests: AsyncIterator[session_pb2.KeepAliveRequest]) -> None:
        """Handle what the client sends until it is done, or a refusal ends the stream."""
        try:
            async for request in requests:
                await self._handle(request)
            self._buffer.end()
        except asyncio.CancelledError:
            self._buffer.end()
            raise
        except Exception as error:  # noqa: BLE001  # handed to the stream, which answers it
            self._buffer.end(error)

    def close(self) -> None:
        """Detach all sessions: each is suspect from now on, and none is lost."""
        for session in self._slots:
            if session is not None:
                self._use_cases.sessions.detach(session, self)
        self._slots.clear()

    async def _handle(self, request: session_pb2.KeepAliveRequest) -> None:
        kind = request.WhichOneof("message")
        if kind == "beats":
            self._record_beats(request.beats)
            await self._buffer.acknowledge_beats(request.beats.seq)
        elif kind == "attach":
            await self._attach(request.attach)
        elif kind == "directive_ack":
            self._acknowledge(request.directive_ack)
        elif kind == "refresh":
            await self._refresh(request.refresh)
        elif kind == "goodbye":
            await self._leave(request.goodbye)
        else:
            raise FieldInvalid([Violation("message", "is required")])

    def _record_beats(self, beats: session_pb2.Beats) -> None:
        now = self._use_cases.record.now()
        if self.link is not None:
            self.link.last_activity = now
        if now >= self._next_expiry:
            self._revoke_expired(now)
        present = [self._session_in(slot) for slot in beats.unchanged]
        for beat in beats.beats:
            session = self._session_in(beat.slot)
            load, state, latency = report_from_pb(beat)
            if session is not None:
                session.report(load, state, latency)
                present.append(session)
        self._use_cases.record(present, now)

    def _session_in(self, slot: int) -> Session | None:
        """The session in a slot; None where it was lost meanwhile. Raises `FieldInvalid`."""
        if 0 <= slot < len(self._slots):
            return self._slots[slot]
        raise FieldInvalid([Violation("slot", f"no Lease named slot {slot} on this stream")])

    async def _attach(self, attach: session_pb2.Attach) -> None:
        await self._buffer.wait_for_space()
        if len(self._slots) >= MAX_ATTACHES:
            text = f"A stream takes {MAX_ATTACHES} attachments; open another"
            raise QuotaExceeded(text, {"limit": MAX_ATTACHES})
        slot = len(self._slots)
        self._slots.append(None)
        request = AttachRequest(attach.participant_id, attach.generation, attach.credential)
        found = await self._use_cases.attach(self._call, request, self, slot=slot)
        if isinstance(found, AttachRefused):
            refused = lease_lost_message(-1, found.reason, found.participant_id, found.text)
            self._buffer.send(refused)
            return
        self._slots[slot] = found.session
        self._set_expiry(slot, found.expires_at)
        self._buffer.send(lease_message(slot, attach.participant_id, self._use_cases.terms))

    def _acknowledge(self, ack: session_pb2.DirectiveAck) -> None:
        session = self._session_in(ack.slot)
        if session is not None:
            self._use_cases.queue.acknowledge(session, ack.directive_id, ack.error)

    async def _refresh(self, refresh: session_pb2.Refresh) -> None:
        """Take a newer credential. An invalid one loses the slot, another identity the stream."""
        session = self._session_in(refresh.slot)
        if session is None:
            return
        try:
            expires_at = await self._use_cases.attach.refresh(
                self._call, session, refresh.credential
            )
        except CredentialInvalid as refused:
            self._revoke_credential(refresh.slot, session, refused.text)
            return
        self._set_expiry(refresh.slot, expires_at)

    async def _leave(self, goodbye: session_pb2.Goodbye) -> None:
        session = self._session_in(goodbye.slot)
        if session is None:
            return
        # Detached first: a Goodbye is answered by nothing, least of all by LeaseLost.
        self._empty(goodbye.slot)
        self._use_cases.sessions.detach(session, self)
        await self._use_cases.leave(self._call, session)

    def _set_expiry(self, slot: int, moment: float) -> None:
        self._expiries[slot] = moment
        self._next_expiry = min(self._expiries.values())

    def _revoke_expired(self, now: float) -> None:
        for slot in [slot for slot, moment in self._expiries.items() if now >= moment]:
            session = self._slots[slot]
            if session is not None:
                self._revoke_credential(slot, session, "Its credential has expired.")
        self._next_expiry = min(self._expiries.values(), default=NEVER)

    def _revoke_credential(self, slot: int, session: Session, text: str) -> None:
        self._use_cases.sessions.detach(session, self)
        self.revoke(slot, LeaseLostReason.CREDENTIAL, session.key.participant_id, text)

    def _empty(self, slot: int) -> None:
        self._slots[slot] = None
        self._expiries.pop(slot, None)
