"""Attach: brings a generation of a participant onto a stream."""

import asyncio
from dataclasses import dataclass
from typing import Final

from phoenix_runtime.core.errors import CredentialInvalid, NotPermitted
from phoenix_runtime.core.ids import is_identifier
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.standing import Liveness
from registry_svc.domain.ports import CredentialVerifier, VerifiedCredential
from registry_svc.domain.session import LeaseLostReason, Session, SessionStream
from registry_svc.domain.session_rules import UNKNOWN_GENERATION, attach_refusal
from registry_svc.usecases.context import RegistryContext
from registry_svc.usecases.sessions.directive_queue import DirectiveQueue

CONCURRENT_ATTACHES: Final = 8
"""Attaches that read their row at the same time."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A participant on a stream. ``expires_at`` is when its credential expires (monotonic)."""

    session: Session
    expires_at: float


@dataclass(frozen=True, slots=True)
class AttachRefused:
    """An Attach that is refused; the other participants of the stream stay attached."""

    participant_id: str
    reason: LeaseLostReason
    text: str


@dataclass(frozen=True, slots=True)
class AttachRequest:
    """What an Attach asks for; an empty ``credential`` means that of the call."""

    participant_id: str
    generation: int
    credential: str = ""


class AttachParticipant:
    """Attaches a generation to a stream; a newer one supersedes the older for good."""

    def __init__(
        self, context: RegistryContext, credentials: CredentialVerifier, queue: DirectiveQueue
    ) -> None:
        self._context = context
        self._credentials = credentials
        self._queue = queue
        # Thousands of streams that open together are attached at a bounded rate; none is cancelled.
        self._places = asyncio.Semaphore(CONCURRENT_ATTACHES)

    async def __call__(
        self, call: Call, request: AttachRequest, stream: SessionStream, *, slot: int
    ) -> Attachment | AttachRefused:
        """Attach on ``slot`` of ``stream``.

        Raises `NotPermitted`, which closes the stream, for a credential of another tenant, and
        where the call's own credential is used for another participant.
        """
        if not is_identifier(request.participant_id):
            return AttachRefused("", LeaseLostReason.UNKNOWN, "This can be nobody's id.")
        proved = await self._prove(call, request)
        if isinstance(proved, AttachRefused):
            return proved
        async with self._places:
            return await self._attach(call, request, (stream, slot), self._expiry(proved))

    async def refresh(self, call: Call, session: Session, credential: str) -> float:
        """When the slot's next credential expires (monotonic).

        Raises `CredentialInvalid`; and `NotPermitted`, audited, where it proves somebody else:
        a stream does not change its identity.
        """
        proved = self._credentials.verify(credential)
        owner = (proved.principal.tenant, proved.principal.participant)
        if owner != (session.key.tenant, session.key.participant_id):
            await self._context.refuse(call, "session.refresh", session.key.participant_id)
        return self._expiry(proved)

    async def _attach(
        self,
        call: Call,
        request: AttachRequest,
        place: tuple[SessionStream, int],
        expires_at: float,
    ) -> Attachment | AttachRefused:
        row = await self._context.find(call, request.participant_id)
        refusal = attach_refusal(row, request.generation)
        if row is None or refusal is not None:
            reason, text = refusal or (LeaseLostReason.UNKNOWN, UNKNOWN_GENERATION)
            return AttachRefused(request.participant_id, reason, text)
        leased = row.liveness is Liveness.LEASED
        session = self._context.open_session(call, row, leased=leased)
        self._context.sessions.attach(session, *place)
        self._queue.want([session.key])
        return Attachment(session, expires_at)

    async def _prove(
        self, call: Call, request: AttachRequest
    ) -> VerifiedCredential | AttachRefused:
        """The credential that speaks for the participant."""
        participant_id = request.participant_id
        if not request.credential:
            await self._context.require_self(call, participant_id, "session.attach")
            return self._credentials.of_call(call)
        try:
            proved = self._credentials.verify(request.credential)
        except CredentialInvalid as refused:
            return AttachRefused(participant_id, LeaseLostReason.CREDENTIAL, refused.text)
        if proved.principal.tenant != call.tenant:
            await self._context.refuse(call, "session.attach", participant_id)
        if proved.principal.participant != participant_id:
            return await self._misused(call, participant_id)
        return proved

    async def _misused(self, call: Call, participant_id: str) -> AttachRefused:
        """Audit the misuse; it costs this Attach and not the stream."""
        try:
            await self._context.refuse(call, "session.attach", participant_id)
        except NotPermitted as refused:
            return AttachRefused(participant_id, LeaseLostReason.CREDENTIAL, refused.text)
        raise AssertionError("a refusal is always raised")

    def _expiry(self, proved: VerifiedCredential) -> float:
        clock = self._context.clock
        return clock.monotonic() + (proved.expires_at - clock.now()).total_seconds()
