"""Heartbeat: one heartbeat without a stream, for REST and simple clients."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.errors import IllegalTransition, NotFound
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.standing import Liveness, ParticipantStatus
from registry_svc.domain.checks import Checks
from registry_svc.domain.health import HealthReport
from registry_svc.domain.lifecycle import LIFECYCLE, PARTICIPANT
from registry_svc.domain.participant import Participant
from registry_svc.domain.session import LeaseLostReason, ParticipantKey, Session
from registry_svc.domain.session_rules import attach_refusal
from registry_svc.usecases.context import RegistryContext
from registry_svc.usecases.leases.apply_reported_health import ApplyReportedHealth
from registry_svc.usecases.sessions.directive_queue import DirectiveQueue
from registry_svc.usecases.sessions.leave import Leave
from registry_svc.usecases.sessions.record_heartbeats import RecordHeartbeats

MAX_DIRECTIVES: Final = 100
LEASE_LOST: Final = "lease_lost"
"""The fact of a refusal that says why there is no session, as LeaseLost does on a stream."""
MAX_ACKNOWLEDGED: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatRequest:
    """One heartbeat, or the last word of who leaves.

    ``health`` is free text; ``generation`` 0 means the newest.
    """

    participant_id: str
    report: HealthReport
    health: str = ""
    generation: int = 0
    acknowledged: Sequence[str] = ()
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class HeartbeatAnswer:
    """The state after the heartbeat, and directives that wait for an acknowledgement."""

    status: str
    directives: tuple[Directive, ...]


class Heartbeat:
    """Takes heartbeats without a stream.

    Raises `FieldInvalid`, `NotPermitted`, `NotFound`, `IllegalTransition`.
    """

    def __init__(
        self,
        context: RegistryContext,
        record: RecordHeartbeats,
        apply_health: ApplyReportedHealth,
        leave: Leave,
        queue: DirectiveQueue,
    ) -> None:
        self._context = context
        self._record = record
        self._apply_health = apply_health
        self._leave = leave
        self._queue = queue

    async def __call__(self, call: Call, request: HeartbeatRequest) -> HeartbeatAnswer:
        """Take the heartbeat; what it changes is committed before the answer."""
        _check(request)
        await self._context.require_self(call, request.participant_id, "session.heartbeat")
        session = await self._session(call, request)
        for directive_id in request.acknowledged:
            self._queue.acknowledge(session, directive_id, "")
        if request.leaving:
            await self._leave(call, session)
            return HeartbeatAnswer(ParticipantStatus.FAILED.value, ())
        session.report(request.report.load, request.report.state, request.report.latency)
        self._record((session,), self._record.now())
        if not session.up_to_date:
            await self._apply_health()
        return HeartbeatAnswer(session.status.value, await self._waiting(call, request))

    async def _session(self, call: Call, request: HeartbeatRequest) -> Session:
        """The session in memory, or a new one from the row."""
        key = ParticipantKey(call.tenant, request.participant_id)
        known = self._context.sessions.get(key)
        if known is not None and request.generation in {0, known.generation}:
            return known
        row = await self._context.find(call, request.participant_id)
        if row is None or request.generation > row.generation:
            refused = NotFound("participant", request.participant_id)
            refused.facts[LEASE_LOST] = LeaseLostReason.UNKNOWN.value
            raise refused
        _require_newest(row, request.generation)
        leased = row.liveness is Liveness.LEASED
        return self._context.open_session(call, row, leased=leased)

    async def _waiting(self, call: Call, request: HeartbeatRequest) -> tuple[Directive, ...]:
        acknowledged = set(request.acknowledged)
        async with self._context.units.reading(call) as unit:
            waiting = await unit.waiting_directives([request.participant_id], limit=MAX_DIRECTIVES)
        return tuple(one for one in waiting if one.directive_id not in acknowledged)


def _check(request: HeartbeatRequest) -> None:
    checks = Checks()
    checks.identifier("participant_id", request.participant_id)
    if request.report.load is not None:
        checks.number("load", request.report.load, low=0, high=1)
    if request.generation < 0:
        checks.refuse("generation", "is negative")
    if len(request.acknowledged) > MAX_ACKNOWLEDGED:
        checks.refuse("acknowledged_directives", f"names more than {MAX_ACKNOWLEDGED}")
    for directive_id in request.acknowledged[:MAX_ACKNOWLEDGED]:
        checks.identifier("acknowledged_directives", directive_id)
    checks.raise_any()


def _require_newest(row: Participant, generation: int) -> None:
    """Raise `IllegalTransition` for an older generation, and for a participant that is gone."""
    older = generation and generation < row.generation
    if older or not row.accepts_heartbeats:
        refused = IllegalTransition(
            kind=LIFECYCLE.kind,
            source=f"{row.status.value}, generation {row.generation}",
            verb=f"beat under generation {generation or row.generation}",
            allowed=LIFECYCLE.allowed(row.status, PARTICIPANT),
        )
        ended = attach_refusal(row, generation or row.generation)
        if ended is not None:
            refused.facts[LEASE_LOST] = ended[0].value
        raise refused
