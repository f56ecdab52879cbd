"""Abort: an operator gives a handoff up; a source that lives resumes under a new epoch."""

from dataclasses import replace

from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.lifecycle import task_step
from assignment_svc.domain.states import Actor, TaskStatus
from assignment_svc.domain.task import Binding, BindingRecord, Task
from assignment_svc.domain.texts import checked_text
from assignment_svc.usecases.handoff.initiate_handoff import HandoffResult
from assignment_svc.usecases.steps.existing import existing_handoff
from assignment_svc.usecases.steps.migration import Abort, abort_handoff
from assignment_svc.usecases.steps.ports import Ports
from assignment_svc.usecases.steps.transaction import Act
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
            act = Act(unit, self._ports)
            task = await unit.lock_task((await existing_handoff(act.unit, handoff_id)).task_id)
            handoff = await existing_handoff(act.unit, handoff_id)
            if handoff.source_gone and not handoff.ended:
                raise IllegalTransition(
                    kind="handoff whose source is gone",
                    source=handoff.status.value,
                    verb="abort",
                    allowed=["cancel the task"],
                )
            offer = handoff.offer
            await act.lock_gates({handoff.source, offer.target if offer else handoff.source})
            _may_go_on(act, task, handoff)
            abort = Abort(ReasonCode.REQUESTED, why or "an operator gave it up", Actor.OPERATOR)
            result = await give_up(act, task, handoff, abort)
            await act.finish()
            await unit.remember(result)
        return result


async def give_up(act: Act, task: Task, handoff: Handoff, abort: Abort) -> HandoffResult:
    """End a handoff whose source lives; where it was fenced, it goes on under a new epoch.

    The task and the gates of source and target are locked. The source never gave its seat back;
    that a fenced one's gate `takes_back` has been checked: it may have begun to retire, or failed,
    since the offer was made (I8).
    """
    seated = handoff.source_seated
    moved = task
    if task.status is TaskStatus.MIGRATING:
        status = task_step(task.status, task.parked_for, "abort_handoff", abort.actor)
        moved = await _given_back(act, replace(task, status=status), handoff.source_binding)
    told, ended, receipt = await abort_handoff(
        act, task, replace(handoff, source_seated=False), abort, moved=moved
    )
    await act.unit.save_task(told)
    if seated:
        # StartTask with the new epoch answers everything that the work needs.
        facts = {"reason": "handoff_aborted", "handoff_id": handoff.handoff_id}
        await act.direct(DirectiveAction.START_TASK, handoff.source, told, facts=facts)
    return HandoffResult(ended, receipt)


def _may_go_on(act: Act, task: Task, handoff: Handoff) -> None:
    """Raise where the task was fenced from a source that is leaving: it is gone in a moment."""
    if task.status is TaskStatus.MIGRATING and not act.gate(handoff.source).takes_back:
        raise IllegalTransition(
            kind="handoff whose source is leaving",
            source=handoff.status.value,
            verb="abort",
            allowed=["cancel the task"],
        )


async def _given_back(act: Act, task: Task, source: Binding) -> Task:
    """The task bound to its living source again, under a new epoch; the seat was never given up."""
    binding = replace(
        source,
        assignment_id=act.new_id("assign"),
        epoch=task.epoch + 1,
        bound_at=act.now,
    )
    await act.unit.add_binding(BindingRecord(task.task_id, binding, gained_by="abort_handoff"))
    timeout = task.spec.attempt_timeout
    return replace(
        task,
        binding=binding,
        epoch=binding.epoch,
        reason="",
        attempt_due_at=act.now + timeout if timeout is not None else None,
    )
