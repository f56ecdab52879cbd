"""Ends a handoff whose source lives: where the source was fenced, it has its task again."""

from assignment_svc.domain.handoff import Handoff
from assignment_svc.domain.states import TaskStatus
from assignment_svc.domain.task import Task
from assignment_svc.domain.task_transitions import restored
from assignment_svc.usecases.handoff.results import HandoffResult
from assignment_svc.usecases.steps.migration import HandoffAbort, abort_handoff
from assignment_svc.usecases.steps.transaction import TaskTransaction
from phoenix_runtime.core.directives import DirectiveAction


async def give_up(
    transaction: TaskTransaction, task: Task, handoff: Handoff, abort: HandoffAbort
) -> HandoffResult:
    """Abort the handoff and save both; raises `IllegalTransition`.

    The task and the gates of source and target are locked. The source never gave its seat back, and
    the caller has checked that a fenced one's gate `takes_back`: it may have begun to retire, or
    failed, since the offer was made (I8).
    """
    source_task = None
    if task.status is TaskStatus.MIGRATING:
        binding = handoff.source_binding.renewed(
            assignment_id=transaction.new_id("assign"),
            epoch=task.next_epoch,
            at=transaction.now,
        )
        source_task = restored(task, binding, abort.actor)
    saved, aborted, receipt = await abort_handoff(
        transaction, task, handoff, abort, restored=source_task
    )
    await transaction.unit.save_task(saved)
    if handoff.source_seated:
        # StartTask with the new epoch answers everything that the work needs.
        facts = {"reason": "handoff_aborted", "handoff_id": handoff.handoff_id}
        await transaction.direct(DirectiveAction.START_TASK, handoff.source, saved, facts=facts)
    return HandoffResult(aborted, receipt)
