"""BeginRetirement and FinishRetirement: the registry's side of Algorithm 6.

Assignment has closed the gate before the first, and nothing is bound or on offer before the second.
Both are asked again after a crash, and answer the same without another event.
"""

from collections.abc import Set

from phoenix_runtime.core.errors import IllegalTransition
from phoenix_runtime.core.events import AuditDraft, AuditEventType, ReasonCode
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.standing import ParticipantStatus
from registry_svc.domain.checks import Checks
from registry_svc.domain.lifecycle import ASSIGNMENT
from registry_svc.domain.participant import Participant
from registry_svc.domain.presence import Key, LeaseKey, Loss
from registry_svc.domain.view import Changed
from registry_svc.usecases.parts import Parts, locked

MODES = ("graceful", "immediate")
BEGUN = frozenset({ParticipantStatus.RETIRING, ParticipantStatus.RETIRED})


class BeginRetirement:
    """Raises `NotFound`, `FieldInvalid`, `IllegalTransition`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(
        self, call: Call, participant_id: str, retirement_id: str, mode: str
    ) -> Changed:
        """Mark as RETIRING under ``retirement_id``."""
        _check(retirement_id, mode)
        async with self._parts.units(call) as unit:
            before = await locked(unit, participant_id)
            # RETIRED as well: assignment may have died between the end here and its own note of it.
            if _done(before, BEGUN, retirement_id):
                return Changed(self._parts.view(call.tenant, before), None)
            after = before.retiring(retirement_id, at=self._parts.clock.now())
            detail: dict[str, Json] = {"mode": mode or MODES[0]}
            draft = _draft(AuditEventType.PARTICIPANT_RETIRING, before, after, detail)
            receipt = await unit.audit(draft)
            await unit.save([after])
        presence = self._parts.attendance.get(Key(call.tenant, participant_id))
        if presence is not None:
            self._parts.attendance.became(presence, after.status)
        return Changed(self._parts.view(call.tenant, after), receipt)


class FinishRetirement:
    """Raises `NotFound`, `FieldInvalid`, `IllegalTransition`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(
        self, call: Call, participant_id: str, retirement_id: str, record: JsonObject
    ) -> Changed:
        """Mark as RETIRED for ever; ``record`` has mode, active tasks, the outcome of each."""
        _check(retirement_id, "")
        async with self._parts.units(call) as unit:
            before = await locked(unit, participant_id)
            if _done(before, {ParticipantStatus.RETIRED}, retirement_id):
                return Changed(self._parts.view(call.tenant, before), None)
            _require_same(before, retirement_id)
            after = before.moved(
                "finish_retirement",
                ASSIGNMENT,
                at=self._parts.clock.now(),
                reason=ReasonCode.PARTICIPANT_RETIREMENT,
            )
            detail: dict[str, Json] = {"record": record, **record}
            draft = _draft(AuditEventType.PARTICIPANT_RETIRED, before, after, detail)
            receipt = await unit.audit(draft)
            await unit.save([after])
        lease = LeaseKey(call.tenant, participant_id, after.generation)
        self._parts.attendance.drop(lease, Loss.RETIRED, "It is retired, for ever.")
        return Changed(self._parts.view(call.tenant, after), receipt)


def _check(retirement_id: str, mode: str) -> None:
    checks = Checks()
    checks.identifier("retirement_id", retirement_id)
    if mode and mode not in MODES:
        checks.refuse("mode", f"is one of {', '.join(MODES)}")
    checks.raise_any()


def _done(participant: Participant, reached: Set[ParticipantStatus], retirement_id: str) -> bool:
    return participant.status in reached and participant.retirement_id == retirement_id


def _require_same(participant: Participant, retirement_id: str) -> None:
    """Only the retirement that began may finish."""
    retiring = participant.status is ParticipantStatus.RETIRING
    if retiring and participant.retirement_id != retirement_id:
        raise IllegalTransition(
            kind="participant",
            source=f"retiring under {participant.retirement_id}",
            verb=f"finish_retirement of {retirement_id}",
            allowed=[f"finish_retirement of {participant.retirement_id}"],
        )


def _draft(
    kind: AuditEventType, before: Participant, after: Participant, detail: dict[str, Json]
) -> AuditDraft:
    """Table 5, participant retired: mode, active tasks, handoff outcomes."""
    return AuditDraft(
        type=kind,
        aggregate=after.aggregate,
        aggregate_version=after.version,
        participant=after.id,
        reason_code=ReasonCode.PARTICIPANT_RETIREMENT,
        previous_state=before.status.value,
        new_state=after.status.value,
        detail={
            **detail,
            "retirement_id": after.retirement_id,
            "generation": after.generation,
            "standing_revision": after.standing_revision,
        },
    )
