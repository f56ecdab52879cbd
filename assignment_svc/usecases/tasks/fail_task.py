"""Fails a task for its assignee; it is tried again elsewhere while attempts are left."""

from assignment_svc.domain.predicates import fenced, may_retry
from assignment_svc.domain.states import Actor
from assignment_svc.domain.task import Task
from assignment_svc.domain.verbs import TaskVerb
from assignment_svc.usecases.steps.ending import Ending, end, lock_for_end
from assignment_svc.usecases.steps.permissions import acting_participant, refusals_audited
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.requeue import Requeue, requeue
from assignment_svc.usecases.steps.transaction import TaskTransaction
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
        """Fail. Raises `NotFound`, `StaleAssignment`, `IllegalTransition`."""
        participant = acting_participant(call)
        async with refusals_audited(self._ports, call, "FailTask"), self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(task_id)
            fenced(task, participant_id=participant, epoch=epoch)
            if retryable and may_retry(task):
                result = Changed(*await requeue(transaction, task, retried(message)))
            else:
                result = await _failed(transaction, task, message, retryable=retryable)
            await unit.remember(result)
        self._ports.due_work.notify()
        return result


def retried(why: str) -> Requeue:
    """The assignee's retryable failure."""
    return Requeue(
        TaskVerb.RETRY,
        Actor.ASSIGNEE,
        AuditEventType.TASK_RETRIED,
        ReasonCode.RETRYABLE_FAILURE,
        why=why,
    )


async def _failed(
    transaction: TaskTransaction, task: Task, why: str, *, retryable: bool
) -> Changed:
    reason = ReasonCode.RETRYABLE_FAILURE if retryable else ReasonCode.FINAL_FAILURE
    ending = Ending(
        TaskVerb.FAIL,
        Actor.ASSIGNEE,
        AuditEventType.TASK_FAILED,
        reason=reason,
        why=why,
        initiator=task.owner_id,
        detail={"max_attempts": task.spec.max_attempts},
    )
    family, handoffs = await lock_for_end(transaction, task.task_id)
    changed = Changed(*await end(transaction, family, handoffs, ending))
    await transaction.finish()
    return changed
