"""Commits changes of health: many participants in one transaction, one event for each."""

from collections import defaultdict
from collections.abc import Callable, Iterable

from phoenix_runtime.core.events import ReasonCode
from registry_svc.domain import participant_events
from registry_svc.domain.health import HeartbeatSummary
from registry_svc.domain.participant import Participant
from registry_svc.domain.ports import Unit
from registry_svc.domain.session import LeaseLostReason, Session
from registry_svc.domain.session_rules import follow_row
from registry_svc.usecases.context import RegistryContext, chunks

Step = Callable[[Participant, Session], tuple[Participant, ReasonCode] | None]
"""The next value of a locked row and the reason; None leaves the row as it is."""


class HealthTransitions:
    """Applies a step to participants, and brings their sessions in step with the rows."""

    def __init__(self, context: RegistryContext) -> None:
        self._context = context

    async def apply(self, sessions: Iterable[Session], step: Step) -> None:
        """Apply ``step`` to each session that is still the newest generation."""
        by_tenant: defaultdict[str, list[Session]] = defaultdict(list)
        for session in sessions:
            by_tenant[session.key.tenant].append(session)
        for tenant, members in by_tenant.items():
            for chunk in chunks(members):
                await self._apply(tenant, chunk, step)

    async def _apply(self, tenant: str, members: list[Session], step: Step) -> None:
        now = self._context.clock.monotonic()
        summarised: list[tuple[Session, HeartbeatSummary]] = []
        async with self._context.units(self._context.own_call(tenant)) as unit:
            rows = await unit.lock_participants([one.key.participant_id for one in members])
            changed: dict[str, Participant] = {}
            for session in members:
                after = await self._step(unit, session, rows.get(session.key.participant_id), step)
                if after is not None:
                    changed[after.id] = after
                    summarised.append((session, session.summary(now)))
            await unit.save_participants(list(changed.values()))
        for session, summary in summarised:
            session.summarised(summary, now)
        newest = {**rows, **changed}
        for session in members:
            self._follow(session, newest.get(session.key.participant_id))

    async def _step(
        self, unit: Unit, session: Session, row: Participant | None, step: Step
    ) -> Participant | None:
        if row is None or row.generation != session.generation:
            return None
        taken = step(row, session)
        if taken is None:
            return None
        after, reason = taken
        summary = session.summary(self._context.clock.monotonic())
        await unit.audit(participant_events.health(row, after, reason, summary, session.state))
        return after

    def _follow(self, session: Session, row: Participant | None) -> None:
        if row is None:
            text = "There is no such participant."
            self._context.sessions.end_session(session.lease, LeaseLostReason.UNKNOWN, text)
        else:
            follow_row(self._context.sessions, session, row)
