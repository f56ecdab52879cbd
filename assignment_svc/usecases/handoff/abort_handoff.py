"""Abort: an operator gives a handoff up; a source that lives resumes under a new epoch."""

from dataclasses import replace

from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.lifecycle import task_step
from assignment_svc.domain.states import Actor, TaskStatus
from assignment_svc.domain.task import Binding, BindingRecord, Task
from assignment_svc.domain.texts import checked_text
from assignment_svc.usecases.handoff.initiate_handoff import HandoffResult
from assignment_svc.usecases.steps.existing import existing_handoff
from assignment_svc.usecases.steps.migration import HandoffAbort, abort_handoff
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import TaskTransaction
from phoenix_runtime.core.directives import DirectiveAction
from phoenix_runtime.core.errors import IllegalTransition
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.principal import Call


class AbortHandoff:
    """Gives a handoff up. With a source that is gone, only cancelling the task ends it."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, call: Call, *, handoff_id: str, why: str) -> HandoffResult:
        """Abort; raises `NotFound`, `IllegalTransition`."""
        checked_text("reason", why)
        async with self._ports.units(call) as unit:
            transaction = TaskTransaction(unit, self._ports)
            task = await unit.lock_task(
                (await existing_handoff(transaction.unit, handoff_id)).task_id
            )
            handoff = await existing_handoff(transaction.unit, handoff_id)
            if handoff.source_gone and not handoff.ended:
                raise IllegalTransition(
                    kind="handoff whose source is gone",
                    source=handoff.status.value,
                    verb="abort",
                    allowed=["cancel the task"],
                )
            offer = handoff.offer
            await transaction.lock_gates(
                {handoff.source, offer.target if offer else handoff.source}
            )
            _may_go_on(transaction, task, handoff)
            abort = HandoffAbort(
                ReasonCode.REQUESTED, why or "an operator gave it up", Actor.OPERATOR
            )
            result = await give_up(transaction, task, handoff, abort)
            await transaction.finish()
            await unit.remember(result)
        return result


async def give_up(
    transaction: TaskTransaction, task: Task, handoff: Handoff, abort: HandoffAbort
) -> HandoffResult:
    """End a handoff whose source lives; where it was fenced, it goes on under a new epoch.

    The task and the gates of source and target are locked. The source never gave its seat back;
    that a fenced one's gate `takes_back` has been checked: it may have begun to retire, or failed,
    since the offer was made (I8).
    """
    seated = handoff.source_seated
    moved = task
    if task.status is TaskStatus.MIGRATING:
        status = task_step(task.status, task.parked_for, "abort_handoff", abort.actor)
        moved = await _given_back(transaction, replace(task, status=status), handoff.source_binding)
    saved, ended, receipt = await abort_handoff(
        transaction, task, replace(handoff, source_seated=False), abort, moved=moved
    )
    await transaction.unit.save_task(saved)
    if seated:
        # StartTask with the new epoch answers everything that the work needs.
        facts = {"reason": "handoff_aborted", "handoff_id": handoff.handoff_id}
        await transaction.direct(DirectiveAction.START_TASK, handoff.source, saved, facts=facts)
    return HandoffResult(ended, receipt)


def _may_go_on(transaction: TaskTransaction, task: Task, handoff: Handoff) -> None:
    """Raise where the task was fenced from a source that is leaving: it is gone in a moment."""
    if task.status is TaskStatus.MIGRATING and not transaction.gate(handoff.source).takes_back:
        raise IllegalTransition(
            kind="handoff whose source is leaving",
            source=handoff.status.value,
            verb="abort",
            allowed=["cancel the task"],
        )


async def _given_back(transaction: TaskTransaction, task: Task, source: Binding) -> Task:
    """The task bound to its living source again, under a new epoch; the seat was never given up."""
    binding = replace(
        source,
        assignment_id=transaction.new_id("assign"),
        epoch=task.epoch + 1,
        bound_at=transaction.now,
    )
    await transaction.unit.add_binding(
        BindingRecord(task.task_id, binding, gained_by="abort_handoff")
    )
    timeout = task.spec.attempt_timeout
    return replace(
        task,
        binding=binding,
        epoch=binding.epoch,
        reason="",
        attempt_due_at=transaction.now + timeout if timeout is not None else None,
    )
