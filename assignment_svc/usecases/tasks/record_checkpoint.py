"""Records a checkpoint: a stored context counts once its pointer is committed (Algorithm 4)."""

import re
from dataclasses import dataclass

from assignment_svc.domain.context import ContextPointer
from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.handoff_transitions import due_now
from assignment_svc.domain.obligations import unmet
from assignment_svc.domain.predicates import fenced, requires_active
from assignment_svc.domain.states import HandoffStatus
from assignment_svc.domain.task import Task
from assignment_svc.domain.task_transitions import checkpointed
from assignment_svc.usecases.steps.permissions import acting_participant, refusals_audited
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.errors import (
    ContextVersionConflict,
    FieldInvalid,
    Violation,
)
from phoenix_runtime.core.events import AuditEventType
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt

HASH = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is to become the newest context of a task.

    ``decided`` are the obligations that the stored content has decisions for, ``fulfilled`` those
    that its writer takes to be met.
    """

    task_id: str
    epoch: int
    base_version: int
    hash: str
    size_bytes: int = 0
    by_reference: bool = False
    external_ref: str = ""
    fulfilled: tuple[str, ...] = ()
    decided: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """The pointer as it counts now."""

    pointer: ContextPointer
    receipt: Receipt


class RecordCheckpoint:
    """Moves the pointer (I3, I4): owner, epoch and ``base_version`` checked, audit with it."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, checkpoint: Checkpoint) -> Recorded:
        """Record. The same checkpoint again, after a lost reply, answers the same.

        Raises `NotFound`, `StaleAssignment`, `ContextVersionConflict`, `IllegalTransition` (only
        an ACTIVE task is checkpointed), `FieldInvalid` (named obligations that are not met
        among it).
        """
        participant = acting_participant(call)
        _well_formed(checkpoint)
        async with (
            refusals_audited(self._ports, call, "RecordCheckpoint"),
            self._ports.units(call) as unit,
        ):
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(checkpoint.task_id)
            fenced(task, participant_id=participant, epoch=checkpoint.epoch)
            result = _repeated(task, checkpoint)
            if result is None:
                result = await self._record(transaction, task, checkpoint)
            else:
                _require_met(task, checkpoint)
            await unit.remember(result)
        return result

    async def _record(
        self, transaction: TaskTransaction, task: Task, checkpoint: Checkpoint
    ) -> Recorded:
        requires_active(task, "checkpoint")
        current = task.pointer.version if task.pointer else 0
        base_is_current(checkpoint.base_version, current)
        pointer = _pointer(transaction, task, checkpoint, current + 1)
        after = checkpointed(task, pointer, checkpoint.decided)
        _require_met(after, checkpoint)
        fields = _event(task, pointer, checkpoint)
        recorded, receipt = await transaction.record(task, after, fields)
        await transaction.unit.add_pointer(pointer)
        await transaction.unit.save_task(recorded)
        await _wake_handoff(transaction, recorded)
        return Recorded(pointer, receipt)


def base_is_current(base_version: int, current_version: int) -> None:
    """Raise `ContextVersionConflict` where the writer had not read the newest context (I4)."""
    if base_version != current_version:
        raise ContextVersionConflict(base_version=base_version, current_version=current_version)


def _well_formed(checkpoint: Checkpoint) -> None:
    violations = []
    if not HASH.fullmatch(checkpoint.hash):
        violations.append(Violation("hash", "sha256: and 64 lower-case hexadecimal digits"))
    if checkpoint.base_version < 0:
        violations.append(Violation("base_version", "a version is not negative"))
    if checkpoint.size_bytes < 0:
        violations.append(Violation("size_bytes", "a size is not negative"))
    if checkpoint.by_reference != bool(checkpoint.external_ref):
        violations.append(Violation("external_ref", "goes with by_reference, and only with it"))
    if violations:
        raise FieldInvalid(violations)


def _require_met(task: Task, checkpoint: Checkpoint) -> None:
    """Raise `FieldInvalid` where the writer takes something to be met that is not."""
    by_reference = checkpoint.by_reference
    if violations := list(unmet(task, checkpoint.fulfilled, by_reference=by_reference)):
        raise FieldInvalid(violations)


def _repeated(task: Task, checkpoint: Checkpoint) -> Recorded | None:
    """The first answer, where this is the newest checkpoint again and its reply was lost."""
    newest = task.pointer
    if newest is None or newest.version != checkpoint.base_version + 1:
        return None
    if newest.hash != checkpoint.hash or newest.epoch != checkpoint.epoch:
        return None
    return Recorded(newest, Receipt(task.last_event_id, task.correlation_id, task.version))


def _pointer(
    transaction: TaskTransaction, task: Task, checkpoint: Checkpoint, version: int
) -> ContextPointer:
    return ContextPointer(
        task_id=task.task_id,
        version=version,
        hash=checkpoint.hash,
        size_bytes=checkpoint.size_bytes,
        participant_id=task.owner_id,
        epoch=checkpoint.epoch,
        recorded_at=transaction.now,
        by_reference=checkpoint.by_reference,
        external_ref=checkpoint.external_ref,
    )


def _event(task: Task, pointer: ContextPointer, checkpoint: Checkpoint) -> EventFields:
    """Table 5, *context checkpointed*: state reference, integrity hash, participant, task."""
    return EventFields(
        AuditEventType.CONTEXT_CHECKPOINTED,
        participant=task.owner_id,
        inputs=(task.pointer.address,) if task.pointer else (),
        outputs=(pointer.address,),
        detail={
            "state_reference": pointer.address,
            "integrity_hash": pointer.hash,
            "version": pointer.version,
            "base_version": checkpoint.base_version,
            "size_bytes": pointer.size_bytes,
            "by_reference": pointer.by_reference,
            "external_ref": pointer.external_ref,
            "epoch": pointer.epoch,
        },
    )


async def _wake_handoff(transaction: TaskTransaction, task: Task) -> None:
    """Have a handoff that waited for this last checkpoint processed at once."""
    if not task.handoff_id:
        return
    handoff: Handoff | None = await transaction.unit.find_handoff(task.handoff_id)
    if handoff is not None and handoff.status is HandoffStatus.INITIATED:
        await transaction.unit.save_handoff(due_now(handoff, transaction.now))
