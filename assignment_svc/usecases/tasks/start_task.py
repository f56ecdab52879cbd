"""Starts a task: its assignee begins an attempt and gets everything that the work needs."""

from dataclasses import dataclass, replace

from assignment_svc.domain.predicates import fenced
from assignment_svc.domain.states import TaskStatus
from assignment_svc.domain.task import Task
from assignment_svc.domain.task_transitions import started
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
            briefing = await briefing_of(unit, task)  # before anything waits to be written
            if task.status is TaskStatus.ACTIVE:
                # The first answer was lost on its way; nothing starts twice.
                receipt = Receipt(task.last_event_id, task.correlation_id, task.version)
            else:
                task, receipt = await _start(transaction, task)
            result = Started(replace(briefing, task=task), receipt)
            await unit.remember(result)
        return result


async def _start(transaction: TaskTransaction, task: Task) -> tuple[Task, Receipt]:
    after = started(task, transaction.now)
    detail = {"epoch": task.epoch, "attempt": after.attempt}
    fields = EventFields(AuditEventType.TASK_STARTED, participant=task.owner_id, detail=detail)
    task, receipt = await transaction.save(task, after, fields)
    return task, receipt
