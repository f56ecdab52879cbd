"""Decline: an assignee gives a task back before it has begun."""

from assignment_svc.domain.predicates import fenced
from assignment_svc.domain.states import Actor
from assignment_svc.domain.texts import checked_text
from assignment_svc.usecases.steps.give_back import GiveBack, give_back
from assignment_svc.usecases.steps.guard import acting_participant, noted
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import Act
from assignment_svc.usecases.tasks.changed import Changed
from phoenix_runtime.core.events import AuditEventType, ReasonCode
from phoenix_runtime.core.principal import Call


class DeclineTask:
    """ASSIGNED → PENDING; whoever declined is left out for this task with back-off."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, task_id: str, epoch: int, *, reason: str = "") -> Changed:
        """Decline. Raises `NotFound`, `StaleAssignment`, `IllegalTransition`, `FieldInvalid`."""
        participant = acting_participant(call)
        how = GiveBack(
            "decline",
            Actor.ASSIGNEE,
            AuditEventType.TASK_DECLINED,
            ReasonCode.DECLINED,
            why=checked_text("reason", reason),
            excluded=True,
        )
        async with noted(self._ports, call, "DeclineTask"), self._ports.units(call) as unit:
            act = Act(unit, self._ports)
            task = await unit.lock_task(task_id)
            fenced(task, participant_id=participant, epoch=epoch)
            result = Changed(*await give_back(act, task, how))
            await unit.remember(result)
        self._ports.wake_up.notify()
        return result
