"""Leave: a Goodbye without retirement fails the participant at once, so that its tasks move."""

from phoenix_runtime.core.principal import Call
from registry_svc.domain import participant_events
from registry_svc.domain.session import LeaseLostReason, Session
from registry_svc.usecases.context import RegistryContext


class Leave:
    """Fails a participant that says goodbye, with the reason ``participant_left``."""

    def __init__(self, context: RegistryContext) -> None:
        self._context = context

    async def __call__(self, call: Call, session: Session) -> None:
        """Fail the participant, unless a newer generation is registered or it is RETIRING."""
        participant_id, now = session.key.participant_id, self._context.clock.monotonic()
        async with self._context.units(call) as unit:
            before = (await unit.lock_participants([participant_id])).get(participant_id)
            if before is None or before.generation != session.generation:
                return
            after = before.leave(at=self._context.clock.now())
            if after is None:
                return
            last_beat_at = self._context.view(call.tenant, before).last_beat_at
            summary = session.summary(now)
            await unit.audit(participant_events.failed(before, after, last_beat_at, summary))
            await unit.save_participants([after])
        self._context.sessions.end_session(session.lease, LeaseLostReason.EXPIRED, "It left.")
