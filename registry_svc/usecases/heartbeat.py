"""Heartbeat: one beat without a stream, for REST and simple clients."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.errors import IllegalTransition, NotFound
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.standing import Liveness
from registry_svc.domain.checks import Checks
from registry_svc.domain.lifecycle import LIFECYCLE
from registry_svc.domain.participant import Participant
from registry_svc.domain.presence import Key, LeaseKey, Presence
from registry_svc.domain.vitals import Report
from registry_svc.usecases.attend import GONE, Beat
from registry_svc.usecases.directives import Mail
from registry_svc.usecases.health import SettleHealth
from registry_svc.usecases.parts import Parts

MOST_DIRECTIVES: Final = 100
LONGEST_HEALTH: Final = 200
MOST_ACKNOWLEDGED: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What came. ``health`` are free words; ``generation`` 0 means the newest."""

    participant_id: str
    report: Report
    health: str = ""
    generation: int = 0
    acknowledged: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """The state after the beat, and directives that wait for an acknowledgement."""

    status: str
    directives: tuple[Directive, ...]


class Heartbeat:
    """Raises `FieldInvalid`, `NotPermitted`, `NotFound`, `IllegalTransition`."""

    def __init__(self, parts: Parts, beat: Beat, settle: SettleHealth, mail: Mail) -> None:
        self._parts = parts
        self._beat = beat
        self._settle = settle
        self._mail = mail

    async def __call__(self, call: Call, pulse: Pulse) -> Answered:
        """Take the beat; what it changes is committed before the answer."""
        _check(pulse)
        await self._parts.require_self(call, pulse.participant_id, "session.heartbeat")
        presence = await self._presence(call, pulse)
        for directive_id in pulse.acknowledged:
            self._mail.answered(presence, directive_id, "")
        presence.tell(pulse.report.load, pulse.report.state, pulse.report.latency)
        self._beat((presence,), self._beat.now())
        if not presence.settled:
            await self._settle()
        return Answered(presence.status.value, await self._waiting(call, pulse))

    async def _presence(self, call: Call, pulse: Pulse) -> Presence:
        """From memory, or for the first beat from the row."""
        known = self._parts.attendance.get(Key(call.tenant, pulse.participant_id))
        if known is not None and pulse.generation in {0, known.generation}:
            return known
        row = await self._parts.registry.get(call.tenant, pulse.participant_id)
        if row is None or pulse.generation > row.generation:
            raise NotFound("participant", pulse.participant_id)
        _require_newest(row, pulse.generation)
        return self._parts.attendance.expect(
            LeaseKey(call.tenant, row.id, row.generation),
            row.status,
            leased=row.liveness is Liveness.LEASED,
            now=self._beat.now(),
        )

    async def _waiting(self, call: Call, pulse: Pulse) -> tuple[Directive, ...]:
        answered = set(pulse.acknowledged)
        waiting = await self._parts.registry.waiting(
            call.tenant, [pulse.participant_id], limit=MOST_DIRECTIVES
        )
        return tuple(one for one in waiting if one.directive_id not in answered)


def _check(pulse: Pulse) -> None:
    checks = Checks()
    checks.identifier("participant_id", pulse.participant_id)
    if pulse.report.load is not None:
        checks.number("load", pulse.report.load, low=0, high=1)
    checks.text("health", pulse.health, longest=LONGEST_HEALTH)
    if pulse.generation < 0:
        checks.refuse("generation", "is negative")
    if len(pulse.acknowledged) > MOST_ACKNOWLEDGED:
        checks.refuse("acknowledged_directives", f"names more than {MOST_ACKNOWLEDGED}")
    for directive_id in pulse.acknowledged[:MOST_ACKNOWLEDGED]:
        checks.identifier("acknowledged_directives", directive_id)
    checks.raise_any()


def _require_newest(row: Participant, generation: int) -> None:
    """A beat revives nobody: who is gone, or an older generation, registers again or stays out."""
    older = generation and generation < row.generation
    if older or row.status in GONE or row.lease_is_lost:
        source = f"{row.status.value}, generation {row.generation}"
        raise IllegalTransition(
            kind="participant",
            source=source,
            verb=f"beat under generation {generation or row.generation}",
            allowed=LIFECYCLE.allowed(row.status, "participant"),
        )
