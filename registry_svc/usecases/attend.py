"""Attach, beat, leave: what a session does for one participant. Beats touch memory only (I11)."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from phoenix_runtime.core.errors import CredentialInvalid, NotPermitted
from phoenix_runtime.core.ids import is_identifier
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.standing import Liveness, ParticipantStatus
from phoenix_runtime.core.wakeup import WakeUp
from registry_svc.domain.attendance import Attendance
from registry_svc.domain.participant import Participant
from registry_svc.domain.ports import Credentials, Proof
from registry_svc.domain.presence import LeaseKey, Line, Loss, Presence
from registry_svc.usecases.directives import Mail
from registry_svc.usecases.parts import Parts

AT_ONCE: Final = 8
"""Attaches that read their row at the same time."""
GONE: Final = {
    ParticipantStatus.FAILED: (Loss.EXPIRED, "Its lease ran out or it left; register again."),
    ParticipantStatus.SUSPENDED: (Loss.SUSPENDED, "It is suspended."),
    ParticipantStatus.RETIRED: (Loss.RETIRED, "It is retired, for ever."),
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A participant on a stream. ``lapses`` is when its credential does (monotonic)."""

    presence: Presence
    lapses: float


@dataclass(frozen=True, slots=True)
class Turned:
    """An Attach that is refused without harm to the rest of the stream."""

    participant_id: str
    loss: Loss
    text: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What an Attach asks for; ``credential`` empty means that of the call."""

    participant_id: str
    generation: int
    credential: str = ""


class AttachParticipant:
    """Brings a generation onto a stream; a newer one supersedes the older for good."""

    def __init__(self, parts: Parts, credentials: Credentials, mail: Mail) -> None:
        self._parts = parts
        self._credentials = credentials
        self._mail = mail
        # A storm of thousands of streams is taken in at a bounded rate, and nobody is cancelled.
        self._door = asyncio.Semaphore(AT_ONCE)

    async def __call__(
        self, call: Call, wish: Wish, line: Line, *, slot: int
    ) -> Attachment | Turned:
        """Attach on ``slot`` of ``line``.

        Raises `NotPermitted`, which closes the stream, where it changes its identity: a credential
        of another tenant, or the call's own one used for another participant.
        """
        if not is_identifier(wish.participant_id):
            return Turned("", Loss.UNKNOWN, "This can be nobody's id.")
        proved = await self._prove(call, wish)
        if isinstance(proved, Turned):
            return proved
        async with self._door:
            return await self._attach(call, wish, line, slot, self._lapses(proved))

    async def _attach(
        self, call: Call, wish: Wish, line: Line, slot: int, lapses: float
    ) -> Attachment | Turned:
        row = await self._parts.registry.get(call.tenant, wish.participant_id)
        turned = _turned(row, wish)
        if row is None or turned is not None:
            return turned or Turned(wish.participant_id, Loss.UNKNOWN, "Register first.")
        presence = self._presence(call, row)
        self._parts.attendance.attach(presence, line, slot)
        self._mail.want([presence.key])
        return Attachment(presence, lapses)

    async def _prove(self, call: Call, wish: Wish) -> Proof | Turned:
        """The credential that speaks for the participant."""
        if not wish.credential:
            await self._parts.require_self(call, wish.participant_id, "session.attach")
            return self._credentials.of_call(call)
        try:
            proved = self._credentials.verify(wish.credential)
        except CredentialInvalid as refused:
            return Turned(wish.participant_id, Loss.CREDENTIAL, refused.text)
        if proved.principal.tenant != call.tenant:
            await self._parts.refuse(call, "session.attach", wish.participant_id)
        if proved.principal.participant != wish.participant_id:
            return await self._misused(call, wish)
        return proved

    async def refresh(self, call: Call, presence: Presence, credential: str) -> float:
        """When the slot's next credential lapses (monotonic).

        Raises `CredentialInvalid`; and `NotPermitted`, audited, where it proves somebody else:
        a stream does not change its identity midway.
        """
        proved = self._credentials.verify(credential)
        owner = (proved.principal.tenant, proved.principal.participant)
        if owner != (presence.key.tenant, presence.key.participant_id):
            await self._parts.refuse(call, "session.refresh", presence.key.participant_id)
        return self._lapses(proved)

    async def _misused(self, call: Call, wish: Wish) -> Turned:
        try:
            await self._parts.refuse(call, "session.attach", wish.participant_id)
        except NotPermitted as refused:
            return Turned(wish.participant_id, Loss.CREDENTIAL, refused.text)
        raise AssertionError("a refusal is always raised")

    def _presence(self, call: Call, row: Participant) -> Presence:
        return self._parts.attendance.expect(
            LeaseKey(call.tenant, row.id, row.generation),
            row.status,
            leased=row.liveness is Liveness.LEASED,
            now=self._parts.clock.monotonic(),
        )

    def _lapses(self, proof: Proof) -> float:
        clock = self._parts.clock
        return clock.monotonic() + (proof.expires - clock.now()).total_seconds()


class Beat:
    """Takes beats; rings where one asks for another state."""

    def __init__(self, parts: Parts, health: WakeUp) -> None:
        self._attendance = parts.attendance
        self._clock = parts.clock
        self._health = health

    def __call__(self, presences: Iterable[Presence | None], now: float) -> None:
        """A beat of each, at ``now`` (monotonic)."""
        if self._attendance.beat_all(presences, now):
            self._health.notify()

    def now(self) -> float:
        """One look at the clock does for all beats of a message."""
        return self._clock.monotonic()


def learn(attendance: Attendance, presence: Presence, row: Participant) -> None:
    """What PostgreSQL has is what memory has from now on. An older row is somebody's old news."""
    if row.generation > presence.generation:
        text = f"Generation {row.generation} is the newest."
        attendance.drop(presence.lease, Loss.SUPERSEDED, text)
    elif row.generation == presence.generation and row.status in GONE:
        attendance.drop(presence.lease, *GONE[row.status])
    elif row.generation == presence.generation:
        attendance.became(presence, row.status)


def _turned(row: Participant | None, wish: Wish) -> Turned | None:
    """Why this generation cannot attach, where it cannot."""
    if row is None or wish.generation > row.generation:
        return Turned(wish.participant_id, Loss.UNKNOWN, "No such generation; register first.")
    if wish.generation < row.generation:
        text = f"Generation {row.generation} is the newest."
        return Turned(wish.participant_id, Loss.SUPERSEDED, text)
    if row.status in GONE:
        return Turned(wish.participant_id, *GONE[row.status])
    if row.lease_is_lost:
        return Turned(wish.participant_id, *GONE[ParticipantStatus.FAILED])
    return None
