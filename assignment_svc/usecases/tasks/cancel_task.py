"""Cancels a task: it ends without a result, and its open children with it."""

from assignment_svc.domain.lifecycle import TaskVerb
from assignment_svc.domain.states import Actor, TaskStatus
from assignment_svc.usecases.steps.ending import Ending, end, lock_for_end
from assignment_svc.usecases.steps.permissions import may_end, refusals_audited
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import TaskTransaction
from assignment_svc.usecases.tasks.changed import Changed, as_it_stands
from phoenix_runtime.core.errors import NotFound, NotPermitted
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.principal import Call, Role


class CancelTask:
    """Any state that is no end → CANCELLED, by its submitter or an operator."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, task_id: str, *, reason: str = "") -> Changed:
        """Cancel. Raises `NotFound`, `NotPermitted`, `IllegalTransition`."""
        async with refusals_audited(self._ports, call, "CancelTask"):
            await self._permitted(call, task_id)
            async with self._ports.units(call) as unit:
                transaction = TaskTransaction(unit, self._ports)
                family, handoffs = await lock_for_end(transaction, task_id)
                if family[0].status is TaskStatus.CANCELLED:
                    return as_it_stands(family[0])
                result = Changed(
                    *await end(transaction, family, handoffs, _cancelled(call, reason))
                )
                await transaction.finish()
                await unit.remember(result)
        return result

    async def _permitted(self, call: Call, task_id: str) -> None:
        """Check the caller; the submitter of a task never changes, so no lock is needed."""
        async with self._ports.units.reading(call) as unit:
            task = await unit.find_task(task_id)
        if task is None:
            raise NotFound("task", task_id)
        permitted = may_end(
            call, submitter=task.submitter, submitter_participant_id=task.submitter_participant_id
        )
        if not permitted:
            text = "Only its submitter or an operator cancels a task"
            remedy = "Ask one of them to; who works on it declines it, fails it or hands it off."
            raise NotPermitted(text, {"task_id": task_id}, remedy=remedy)


def _cancelled(call: Call, why: str) -> Ending:
    operator = call.principal.has(Role.OPERATOR)
    return Ending(
        TaskVerb.CANCEL,
        Actor.OPERATOR if operator else Actor.SUBMITTER,
        AuditEventType.TASK_CANCELLED,
        reason=ReasonCode.REQUESTED,
        why=why,
        initiator=call.principal.participant,
    )
