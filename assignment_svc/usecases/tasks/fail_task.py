"""Fails a task for its assignee; it is tried again elsewhere while attempts are left."""

from dataclasses import dataclass

from assignment_svc.domain.lifecycle import TaskVerb
from assignment_svc.domain.predicates import fenced, may_retry
from assignment_svc.domain.states import Actor
from assignment_svc.domain.task import Task
from assignment_svc.usecases.steps.ending import Ending, end, lock_for_end
from assignment_svc.usecases.steps.permissions import acting_participant, refusals_audited
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.requeue import Requeue, requeue
from assignment_svc.usecases.steps.transaction import TaskTransaction
from assignment_svc.usecases.tasks.changed import Changed
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.principal import Call


@dataclass(frozen=True, slots=True)
class Failure:
    """What an assignee reports. ``input_at_fault``: the input is wrong, not who worked on it."""

    message: str
    retryable: bool = False
    input_at_fault: bool = False

    @property
    def reason(self) -> ReasonCode:
        """What the failure speaks against, as trust reads it."""
        if self.input_at_fault:
            return ReasonCode.INPUT_AT_FAULT
        return ReasonCode.RETRYABLE_FAILURE if self.retryable else ReasonCode.FINAL_FAILURE


class FailTask:
    """ACTIVE → PENDING where the failure is retryable and attempts are left, else FAILED."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, task_id: str, epoch: int, failure: Failure) -> Changed:
        """Fail. Raises `NotFound`, `StaleAssignment`, `IllegalTransition`."""
        participant = acting_participant(call)
        async with refusals_audited(self._ports, call, "FailTask"), self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(task_id)
            fenced(task, participant_id=participant, epoch=epoch)
            if failure.retryable and may_retry(task):
                how = retried(failure.message, failure.reason)
                result = Changed(*await requeue(transaction, task, how))
            else:
                result = await _failed(transaction, task, failure.message, failure.reason)
            await unit.remember(result)
        return result


def retried(why: str, reason: ReasonCode) -> Requeue:
    """The assignee's retryable failure."""
    return Requeue(
        TaskVerb.RETRY,
        Actor.ASSIGNEE,
        AuditEventType.TASK_RETRIED,
        reason,
        why=why,
    )


async def _failed(
    transaction: TaskTransaction, task: Task, why: str, reason: ReasonCode
) -> Changed:
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
