"""Goodbye without retirement: FAILED at once, reason left, so that its tasks move at once."""

from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.principal import Call
from registry_svc.domain.lifecycle import LIFECYCLE, PARTICIPANT
from registry_svc.domain.losses import failed_draft
from registry_svc.domain.presence import Loss, Presence
from registry_svc.usecases.parts import Parts


class Leave:
    """What a participant's Goodbye does."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, call: Call, presence: Presence) -> None:
        """Fail the participant unless a newer generation is here or it is RETIRING.

        One that is RETIRING just goes: its lease runs out, which ends the graceful wait.
        """
        participant_id, now = presence.key.participant_id, self._parts.clock.monotonic()
        async with self._parts.units(call) as unit:
            before = (await unit.lock([participant_id])).get(participant_id)
            if before is None or before.generation != presence.generation:
                return
            if not LIFECYCLE.can(before.status, "leave"):
                return
            reason = ReasonCode.PARTICIPANT_LEFT
            at = self._parts.clock.now()
            after = before.moved("leave", PARTICIPANT, at=at, reason=reason)
            heard = self._parts.view(call.tenant, before).heard_at
            await unit.audit(failed_draft(before, after, heard, presence.tally(now)))
            await unit.save([after])
        self._parts.attendance.drop(presence.lease, Loss.EXPIRED, "It left.")
