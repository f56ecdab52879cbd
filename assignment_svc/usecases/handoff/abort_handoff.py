"""Aborts a handoff for an operator; a source that lives goes on under a new epoch."""

from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.lifecycle import HandoffVerb
from assignment_svc.domain.predicates import seats_of
from assignment_svc.domain.states import Actor, TaskStatus
from assignment_svc.domain.task import Task
from assignment_svc.usecases.handoff.give_up import give_up
from assignment_svc.usecases.handoff.results import HandoffResult
from assignment_svc.usecases.steps.existing import existing_handoff
from assignment_svc.usecases.steps.migration import HandoffAbort
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import TaskTransaction
from phoenix_runtime.core.errors import IllegalTransition
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.principal import Call


class AbortHandoff:
    """Aborts a handoff. With a source that is gone, only cancelling the task ends it."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, *, handoff_id: str, why: str) -> HandoffResult:
        """Abort; raises `NotFound` and `IllegalTransition`."""
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task((await existing_handoff(unit, handoff_id)).task_id)
            # Read again under the task's lock.
            handoff = await existing_handoff(unit, handoff_id)
            if handoff.source_gone and not handoff.ended:
                raise _refused(handoff, "handoff whose source is gone")
            await transaction.lock_gates(seats_of(task, handoff))
            _may_go_on(transaction, task, handoff)
            abort = HandoffAbort(
                ReasonCode.REQUESTED, why or "an operator gave it up", Actor.OPERATOR
            )
            result = await give_up(transaction, task, handoff, abort)
            await transaction.finish()
            await unit.remember(result)
        return result


def _may_go_on(transaction: TaskTransaction, task: Task, handoff: Handoff) -> None:
    """Raise where the task was fenced from a source that is leaving: it is gone in a moment."""
    fenced = task.status is TaskStatus.MIGRATING
    if fenced and not transaction.gate(handoff.source).takes_back:
        raise _refused(handoff, "handoff whose source is leaving")


def _refused(handoff: Handoff, kind: str) -> IllegalTransition:
    allowed = ["cancel the task"]
    return IllegalTransition(
        kind=kind, source=handoff.status.value, verb=HandoffVerb.ABORT, allowed=allowed
    )
