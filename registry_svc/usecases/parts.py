"""What every use case of the registry is given, and the questions that several of them ask."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import NotFound, NotPermitted
from phoenix_runtime.core.ids import NewId
from phoenix_runtime.core.ports import AccessLog, Policy
from phoenix_runtime.core.principal import Call, Principal, Role
from registry_svc.domain.attendance import Attendance
from registry_svc.domain.checks import Checks
from registry_svc.domain.participant import Participant
from registry_svc.domain.ports import Registry, RegistryUnit, Units
from registry_svc.domain.view import View, view_of

CHUNK = 500
"""Participants that one transaction of a worker changes."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The ports, the clock and the memory."""

    units: Units
    registry: Registry
    policy: Policy
    access: AccessLog
    attendance: Attendance
    clock: Clock
    new_id: NewId

    def view(self, tenant: str, participant: Participant) -> View:
        """The participant as callers see it."""
        return view_of(participant, tenant, self.attendance, self.clock)

    def own_call(self, tenant: str) -> Call:
        """What the registry's own workers do, for one tenant at a time."""
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
        """Audit that a genuine credential was used for another participant, and refuse."""
        facts = {"participant_id": participant_id, "credential_of": call.actor}
        await self.access.refused(call, what, facts)
        raise NotPermitted(f"This credential is not {participant_id}'s", {**facts, "tried": what})


def require_identifiers(field: str, *values: str) -> None:
    """Raise `FieldInvalid` for what can be nobody's id, before it reaches a statement."""
    checks = Checks()
    for value in values:
        checks.identifier(field, value)
    checks.raise_any()


async def locked(unit: RegistryUnit, participant_id: str) -> Participant:
    """The participant as it stands now, locked; raises `NotFound` and `FieldInvalid`."""
    require_identifiers("participant_id", participant_id)
    found = (await unit.lock([participant_id])).get(participant_id)
    if found is None:
        raise NotFound("participant", participant_id)
    return found


def chunks(items: Iterable[T], size: int = CHUNK) -> list[list[T]]:
    """``items`` in lists of at most ``size``."""
    held = list(items)
    return [held[start : start + size] for start in range(0, len(held), size)]
