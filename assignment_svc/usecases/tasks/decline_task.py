"""Declines a task: its assignee gives it back before it has started it."""

from assignment_svc.domain.lifecycle import TaskVerb
from assignment_svc.domain.predicates import fenced
from assignment_svc.domain.states import Actor
from assignment_svc.usecases.steps.permissions import acting_participant, refusals_audited
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.requeue import Requeue, requeue
from assignment_svc.usecases.steps.transaction import TaskTransaction
from assignment_svc.usecases.tasks.changed import Changed
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.principal import Call


class DeclineTask:
    """ASSIGNED → PENDING; the participant is excluded from this task for a while."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, task_id: str, epoch: int, *, reason: str = "") -> Changed:
        """Decline. Raises `NotFound`, `StaleAssignment`, `IllegalTransition`."""
        participant = acting_participant(call)
        how = Requeue(
            TaskVerb.DECLINE,
            Actor.ASSIGNEE,
            AuditEventType.TASK_DECLINED,
            ReasonCode.DECLINED,
            why=reason,
            exclude_owner=True,
        )
        async with (
            refusals_audited(self._ports, call, "DeclineTask"),
            self._ports.units(call) as unit,
        ):
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(task_id)
            fenced(task, participant_id=participant, epoch=epoch)
            result = Changed(*await requeue(transaction, task, how))
            await unit.remember(result)
        return result
