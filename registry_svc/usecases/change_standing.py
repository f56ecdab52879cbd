"""SuspendParticipant and ReinstateParticipant: operators close and open the door."""

from dataclasses import dataclass

from phoenix_runtime.core.events import AuditDraft, AuditEventType, ReasonCode
from phoenix_runtime.core.principal import Call
from registry_svc.domain.checks import Checks
from registry_svc.domain.lifecycle import OPERATOR, arriving, suspending
from registry_svc.domain.participant import Participant
from registry_svc.domain.presence import LeaseKey, Loss
from registry_svc.domain.view import Changed
from registry_svc.usecases.parts import Parts, locked

LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """One transition as it is audited."""

    before: Participant
    after: Participant
    type: AuditEventType
    why: str

    def draft(self, call: Call) -> AuditDraft:
        """By whom, and why."""
        return AuditDraft(
            type=self.type,
            aggregate=self.after.aggregate,
            aggregate_version=self.after.version,
            participant=self.after.id,
            reason_code=ReasonCode(self.after.status_reason or ReasonCode.REQUESTED),
            previous_state=self.before.status.value,
            new_state=self.after.status.value,
            detail={
                "by": call.actor,
                "why": self.why,
                "generation": self.after.generation,
                "standing_revision": self.after.standing_revision,
            },
        )


class SuspendParticipant:
    """Raises `NotFound`, `FieldInvalid`, `IllegalTransition`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, call: Call, participant_id: str, why: str) -> Changed:
        """Suspend: the gate closes, the session ends, its tasks move."""
        _check(why)
        async with self._parts.units(call) as unit:
            before = await locked(unit, participant_id)
            after = before.moved(
                suspending(before.status),
                OPERATOR,
                at=self._parts.clock.now(),
                reason=ReasonCode.PARTICIPANT_SUSPENDED,
            )
            step = Step(before, after, AuditEventType.PARTICIPANT_SUSPENDED, why)
            receipt = await unit.audit(step.draft(call))
            await unit.save([after])
            changed = Changed(self._parts.view(call.tenant, after), receipt)
            await unit.remember(changed)
        lease = LeaseKey(call.tenant, participant_id, after.generation)
        self._parts.attendance.drop(lease, Loss.SUSPENDED, "An operator suspended it.")
        return changed


class ReinstateParticipant:
    """Raises `NotFound`, `FieldInvalid`, `IllegalTransition`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, call: Call, participant_id: str, why: str) -> Changed:
        """Lift a suspension; a leased participant becomes ACTIVE with its next beat."""
        _check(why)
        async with self._parts.units(call) as unit:
            before = await locked(unit, participant_id)
            verb = arriving("reinstate", before.liveness)
            after = before.moved(verb, OPERATOR, at=self._parts.clock.now())
            step = Step(before, after, AuditEventType.PARTICIPANT_REINSTATED, why)
            receipt = await unit.audit(step.draft(call))
            await unit.save([after])
            changed = Changed(self._parts.view(call.tenant, after), receipt)
            await unit.remember(changed)
        self._expect(call, after)
        return changed

    def _expect(self, call: Call, after: Participant) -> None:
        """Its lease begins anew: who does not come back fails like anybody else."""
        if after.holds_lease:
            lease = LeaseKey(call.tenant, after.id, after.generation)
            now = self._parts.clock.monotonic()
            self._parts.attendance.expect(lease, after.status, leased=True, now=now)


def _check(why: str) -> None:
    checks = Checks()
    checks.text("reason", why, longest=LONGEST_REASON)
    checks.raise_any()
