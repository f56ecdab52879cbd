"""Start: the assignee takes up what it was bound to and is told everything about it."""

from dataclasses import dataclass, replace
from datetime import datetime

from assignment_svc.domain.lifecycle import task_step
from assignment_svc.domain.predicates import fenced
from assignment_svc.domain.states import Actor, TaskStatus
from assignment_svc.domain.task import Task
from assignment_svc.usecases.steps.briefing import Briefing, briefing_of
from assignment_svc.usecases.steps.permissions import acting_participant, refusals_audited
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import EventFields, TaskTransaction
from phoenix_runtime.core.events import AuditEventType
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Started:
    """What to work on."""

    briefing: Briefing
    receipt: Receipt


class StartTask:
    """ASSIGNED → ACTIVE; a repetition under the same epoch answers the same."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, task_id: str, epoch: int) -> Started:
        """Start. Raises `NotFound`, `StaleAssignment`, `IllegalTransition`."""
        participant = acting_participant(call)
        async with (
            refusals_audited(self._ports, call, "StartTask"),
            self._ports.units(call) as unit,
        ):
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(task_id)
            fenced(task, participant_id=participant, epoch=epoch)
            if task.status is TaskStatus.ACTIVE:
                # The first answer was lost on its way; nothing starts twice.
                receipt = Receipt(task.last_event_id, task.correlation_id, task.version)
            else:
                task, receipt = await _started(transaction, task)
            result = Started(await briefing_of(unit, task), receipt)
            await unit.remember(result)
        return result


async def _started(transaction: TaskTransaction, task: Task) -> tuple[Task, Receipt]:
    status = task_step(task.status, task.parked_for, "start", Actor.ASSIGNEE)
    started = replace(
        task,
        status=status,
        attempt=task.attempt + 1,
        start_due_at=None,
        attempt_due_at=attempt_deadline(transaction, task),
    )
    detail = {"epoch": task.epoch, "attempt": started.attempt}
    fields = EventFields(AuditEventType.TASK_STARTED, participant=task.owner_id, detail=detail)
    saved, receipt = await transaction.record(task, started, fields)
    await transaction.unit.save_task(saved)
    return saved, receipt


def attempt_deadline(transaction: TaskTransaction, task: Task) -> datetime | None:
    """When an attempt that begins now has to be over; None where it is unlimited."""
    timeout = task.spec.attempt_timeout
    return transaction.now + timeout if timeout is not None else None
