"""Fail: an assignee gives up; tried again elsewhere while attempts are left."""

from assignment_svc.domain.predicates import fenced
from assignment_svc.domain.states import Actor, TaskStatus
from assignment_svc.domain.task import Task
from assignment_svc.domain.texts import checked_text
from assignment_svc.usecases.steps.ending import Ending, end, lock_for_end
from assignment_svc.usecases.steps.give_back import GiveBack, give_back
from assignment_svc.usecases.steps.guard import acting_participant, noted
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import Act
from assignment_svc.usecases.tasks.changed import Changed
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.principal import Call


class FailTask:
    """ACTIVE → PENDING where the failure is retryable and attempts are left, else FAILED."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(
        self, call: Call, task_id: str, epoch: int, *, message: str, retryable: bool
    ) -> Changed:
        """Fail. Raises `NotFound`, `StaleAssignment`, `IllegalTransition`, `FieldInvalid`."""
        participant = acting_participant(call)
        why = checked_text("message", message)
        async with noted(self._ports, call, "FailTask"), self._ports.units(call) as unit:
            act = Act(unit, self._ports)
            task = await unit.lock_task(task_id)
            fenced(task, participant_id=participant, epoch=epoch)
            if retryable and may_retry(task):
                result = Changed(*await give_back(act, task, retried(why)))
            else:
                result = await _failed(act, task, why, retryable=retryable)
            await unit.remember(result)
        self._ports.wake_up.notify()
        return result


def may_retry(task: Task) -> bool:
    """Whether the task is in an attempt and has another one left."""
    return task.status is TaskStatus.ACTIVE and task.attempt < task.spec.max_attempts


def retried(why: str) -> GiveBack:
    """The assignee's retryable failure."""
    return GiveBack(
        "retry",
        Actor.ASSIGNEE,
        AuditEventType.TASK_RETRIED,
        ReasonCode.RETRYABLE_FAILURE,
        why=why,
    )


async def _failed(act: Act, task: Task, why: str, *, retryable: bool) -> Changed:
    reason = ReasonCode.RETRYABLE_FAILURE if retryable else ReasonCode.FINAL_FAILURE
    ending = Ending(
        "fail",
        Actor.ASSIGNEE,
        AuditEventType.TASK_FAILED,
        reason=reason,
        why=why,
        told=task.owner_id,
        detail={"max_attempts": task.spec.max_attempts},
    )
    family, handoffs = await lock_for_end(act, task.task_id)
    changed = Changed(*await end(act, family, handoffs, ending))
    await act.finish()
    return changed
