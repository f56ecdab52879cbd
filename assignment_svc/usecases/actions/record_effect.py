"""Records what came of an effect outside the runtime, by its owner or whoever goes on (I17)."""

from dataclasses import dataclass, replace
from typing import Final

from assignment_svc.domain.actions.effect import (
    RECORDING,
    Effect,
    Outcome,
    says_the_same,
    with_outcome,
)
from assignment_svc.domain.declaration import Document, sized
from assignment_svc.domain.predicates import fenced, requires_active
from assignment_svc.domain.states import EffectStatus
from assignment_svc.domain.task import Task
from assignment_svc.usecases.steps.permissions import acting_participant, refusals_audited
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.errors import FieldInvalid, NotFound, Violation
from phoenix_runtime.core.events import AuditEventType
from phoenix_runtime.core.json import EMPTY_OBJECT, NotCanonical, canonical
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt

LARGEST_OUTCOME: Final = 64 * 1024
"""Bytes of the canonical form of an outcome."""


@dataclass(frozen=True, slots=True)
class EffectReport:
    """What an owner reports about an effect, unparsed."""

    task_id: str
    epoch: int
    authorization_id: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class RecordedEffect:
    """The effect with its outcome."""

    effect: Effect
    receipt: Receipt


class RecordEffect:
    """BEGUN or UNKNOWN → DONE or NOT_DONE; BEGUN → UNKNOWN. The owner alone may say it."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, report: EffectReport) -> RecordedEffect:
        """Record.

        Raises `NotFound`, `StaleAssignment`, `FieldInvalid`, `TooLarge`, and `IllegalTransition`
        where something else is recorded already, or the task is not ACTIVE.
        """
        participant = acting_participant(call)
        outcome, document = _parsed(report.outcome)
        access = refusals_audited(self._ports, call, "RecordEffect")
        async with access, self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(report.task_id)
            fenced(task, participant_id=participant, epoch=report.epoch)
            requires_active(task, "record_effect")
            found = await unit.find_effect(report.authorization_id)
            if found is None or found.task_id != task.task_id:
                raise NotFound("effect", report.authorization_id)
            if document is not None:
                await unit.add_content(document)
            result = await _record(transaction, task, found.seen_with(task), outcome)
            await unit.remember(result)
        return result


def _parsed(outcome: Outcome) -> tuple[Outcome, Document | None]:
    """The outcome with the hash of its content, which only what was done has."""
    if outcome.status not in RECORDING:
        text = "is done, not_done or unknown"
        raise FieldInvalid([Violation("status", text)])
    if outcome.status is not EffectStatus.DONE:
        if outcome.content is not None:
            text = "is only there where the effect was done; say in `why` what happened"
            raise FieldInvalid([Violation("outcome", text)])
        return outcome, None
    try:
        content = canonical(EMPTY_OBJECT if outcome.content is None else outcome.content)
    except NotCanonical as error:
        raise FieldInvalid([Violation("outcome", f"has no canonical form: {error}")]) from error
    document = sized("outcome", content, LARGEST_OUTCOME)
    return replace(outcome, content_hash=document.hash), document


async def _record(
    transaction: TaskTransaction, task: Task, before: Effect, outcome: Outcome
) -> RecordedEffect:
    if says_the_same(before, outcome):
        receipt = Receipt(before.event_id, task.correlation_id, before.event_version)
        return RecordedEffect(before, receipt)
    effect = with_outcome(before, outcome, by=task.owner_id, at=transaction.now)
    fields = EventFields(
        AuditEventType.EFFECT_RECORDED,
        participant=task.owner_id,
        inputs=(effect.subject_hash,),
        outputs=(effect.outcome_hash,) if effect.outcome_hash else (),
        detail={
            "authorization_id": effect.authorization_id,
            "name": effect.action,
            "status": effect.status.value,
            "was": before.status.value,
            "outcome_hash": effect.outcome_hash,
            "epoch": task.epoch,
            "begun_by": effect.participant_id,
            "begun_epoch": effect.epoch,
            "why": effect.why,
        },
    )
    _, receipt = await transaction.save(task, task, fields)
    kept = effect.recorded(event_id=receipt.audit_event_id, version=receipt.aggregate_version)
    await transaction.unit.save_effect(kept)
    return RecordedEffect(kept, receipt)
