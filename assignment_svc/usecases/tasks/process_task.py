"""Processes a task whose time has come: its deadlines, then another search for an assignee."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from assignment_svc.domain.lifecycle import TaskVerb
from assignment_svc.domain.predicates import may_retry
from assignment_svc.domain.states import Actor, TaskStatus
from assignment_svc.domain.task import Task
from assignment_svc.usecases.assignment.assign_task import AssignTask
from assignment_svc.usecases.steps.ending import Ending, end, lock_for_end
from assignment_svc.usecases.steps.losses import lock_held, lose
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.requeue import Requeue, requeue
from assignment_svc.usecases.steps.transaction import TaskTransaction
from phoenix_runtime.core.errors import IllegalTransition, NoEligibleParticipant
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.principal import Call

START_TIMEOUT = Requeue(
    TaskVerb.DECLINE,
    Actor.DEADLINE,
    AuditEventType.TASK_DECLINED,
    ReasonCode.START_TIMEOUT,
    why="it was not started in time",
    exclude_owner=True,
)

ATTEMPT_TIMEOUT = Requeue(
    TaskVerb.RETRY,
    Actor.DEADLINE,
    AuditEventType.TASK_RETRIED,
    ReasonCode.ATTEMPT_TIMEOUT,
    why="the attempt took too long",
)

LAST_ATTEMPT = Ending(
    TaskVerb.FAIL,
    Actor.DEADLINE,
    AuditEventType.TASK_FAILED,
    reason=ReasonCode.ATTEMPT_TIMEOUT,
    why="the last attempt took too long",
)

EXPIRED = Ending(
    TaskVerb.EXPIRE,
    Actor.DEADLINE,
    AuditEventType.TASK_FAILED,
    reason=ReasonCode.DEADLINE,
    why="its deadline is over",
)


class ProcessTask:
    """Does what is due for one task; the row decides under its lock, not the timer."""

    def __init__(self, ports: Ports, assign: AssignTask) -> None:
        self._ports = ports
        self._assign = assign

    async def __call__(self, call: Call, task_id: str) -> None:
        """Process. Raises `PolicyEngineUnavailable` and `Unavailable`: try again later."""
        task, known = await self._assign.read(call, task_id)
        if due_step(task, self._ports.clock.now()) is not None:
            await self._deadlines(call, task_id)
            task, known = await self._assign.read(call, task_id)
        if not self._waits(task):
            return
        try:
            await self._assign(call.about(task.correlation_id), task_id, (task, known))
        except (NoEligibleParticipant, IllegalTransition):
            return  # recorded already, or another caller came first

    def _waits(self, task: Task) -> bool:
        now = self._ports.clock.now()
        due = task.next_try_at is not None and task.next_try_at <= now
        return due and task.status is TaskStatus.PENDING

    async def _deadlines(self, call: Call, task_id: str) -> None:
        """Act on the first deadline that has passed, under the lock."""
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(task_id)
            step = due_step(task, transaction.now)
            if step is not None:
                await step(transaction, task)


Step = Callable[[TaskTransaction, Task], Awaitable[None]]


def due_step(task: Task, now: datetime) -> Step | None:
    """The step for the most important deadline that has passed; None where none has."""
    if task.ended:
        return None
    if task.spec.deadline_at is not None and task.spec.deadline_at <= now:
        return _expire
    if task.resume_due_at is not None and task.resume_due_at <= now:
        return _not_resumed
    if task.start_due_at is not None and task.start_due_at <= now:
        return _not_started
    if task.attempt_due_at is not None and task.attempt_due_at <= now:
        return _attempt_over
    return None


async def _expire(transaction: TaskTransaction, task: Task) -> None:
    family, handoffs = await lock_for_end(transaction, task.task_id)
    await end(transaction, family, handoffs, EXPIRED)
    await transaction.finish()


async def _not_resumed(transaction: TaskTransaction, task: Task) -> None:
    """It came back, but not for this task: the source counts as gone."""
    held = await lock_held(transaction, task.task_id)
    why = "it came back and did not resume the task in time"
    await lose(transaction, held, reason=ReasonCode.NOT_RESUMED, why=why)
    await transaction.finish()


async def _not_started(transaction: TaskTransaction, task: Task) -> None:
    await requeue(transaction, task, START_TIMEOUT)


async def _attempt_over(transaction: TaskTransaction, task: Task) -> None:
    if may_retry(task):
        await requeue(transaction, task, ATTEMPT_TIMEOUT)
        return
    family, handoffs = await lock_for_end(transaction, task.task_id)
    await end(transaction, family, handoffs, LAST_ATTEMPT)
    await transaction.finish()
