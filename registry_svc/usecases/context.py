"""The context of the registry's use cases: ports, clock and sessions, and shared questions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import NotFound, NotPermitted
from phoenix_runtime.core.ids import NewId
from phoenix_runtime.core.ports import AccessLog, Policy
from phoenix_runtime.core.principal import Call, Principal, Role
from registry_svc.domain.checks import Checks
from registry_svc.domain.participant import Participant
from registry_svc.domain.participant_view import ParticipantView, view_of
from registry_svc.domain.ports import Unit, Units
from registry_svc.domain.session import LeaseKey, Session
from registry_svc.domain.session_table import SessionTable

CHUNK: Final = 500
"""Participants that one transaction of a worker changes."""
LONGEST_REASON: Final = 1000

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryContext:
    """What every use case of the registry is given."""

    units: Units
    policy: Policy
    access: AccessLog
    sessions: SessionTable
    clock: Clock
    new_id: NewId

    def view(self, tenant: str, participant: Participant) -> ParticipantView:
        """``participant`` as callers see it."""
        return view_of(participant, tenant, self.sessions, self.clock)

    async def find(self, call: Call, participant_id: str) -> Participant | None:
        """The committed participant, or None."""
        async with self.units.reading(call) as unit:
            return await unit.find_participant(participant_id)

    def open_session(self, call: Call, participant: Participant, *, leased: bool) -> Session:
        """The session of the participant's generation; a new one's lease runs from now on."""
        lease = LeaseKey(call.tenant, participant.id, participant.generation)
        now = self.clock.monotonic()
        return self.sessions.open_session(lease, participant.status, leased=leased, now=now)

    def own_call(self, tenant: str) -> Call:
        """The call of the registry's own workers, in one tenant at a time."""
        principal = Principal(
            tenant=tenant,
            subject="service:registry",
            roles=frozenset({Role.SERVICE}),
            assurance="service",
        )
        return Call(principal, self.new_id("audit.corr"))

    async def require_self(self, call: Call, participant_id: str, what: str) -> None:
        """Raise `NotPermitted`, audited, unless the credential is the participant's own."""
        if call.principal.participant != participant_id:
            await self.refuse(call, what, participant_id)

    async def require_self_or_operator(self, call: Call, participant_id: str, what: str) -> None:
        """Raise `NotPermitted`, audited, unless it is the participant's own or an operator's."""
        if not call.principal.has(Role.OPERATOR):
            await self.require_self(call, participant_id, what)

    async def refuse(self, call: Call, what: str, participant_id: str) -> None:
        """Raise `NotPermitted`, audited: a genuine credential is used for another participant."""
        facts = {"participant_id": participant_id, "credential_of": call.actor}
        await self.access.refused(call, what, facts)
        raise NotPermitted(
            f"This credential is not {participant_id}'s",
            {**facts, "tried": what},
            remedy=f"Use the profile of {participant_id} itself, or have an operator do it where "
            "operators may.",
        )


def require_identifiers(field: str, *values: str) -> None:
    """Raise `FieldInvalid` for a value that can be no id, before it reaches a statement."""
    checks = Checks()
    for value in values:
        checks.identifier(field, value)
    checks.raise_any()


def require_reason(why: str) -> None:
    """Raise `FieldInvalid` for an operator's reason that is too long or has hidden characters."""
    checks = Checks()
    checks.text("reason", why, longest=LONGEST_REASON)
    checks.raise_any()


async def locked(unit: Unit, participant_id: str) -> Participant:
    """The participant as it stands now, locked; raises `NotFound` and `FieldInvalid`."""
    require_identifiers("participant_id", participant_id)
    found = (await unit.lock_participants([participant_id])).get(participant_id)
    if found is None:
        raise NotFound("participant", participant_id)
    return found


def chunks(items: Iterable[T], size: int = CHUNK) -> list[list[T]]:
    """``items`` in lists of at most ``size``."""
    held = list(items)
    return [held[start : start + size] for start in range(0, len(held), size)]
