"""The steps of a task. Each returns the new value and names every field that it touches.

A use case locks the task, asks the guards, calls one of these, records and saves. The specification
never changes (I1), and every gain and every loss of ownership takes an epoch above all earlier ones
(I2); both follow from `_gained` and `_released`. A step that the lifecycle table does not have from
the task's status raises `IllegalTransition`.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from assignment_svc.domain.context import ContextPointer
from assignment_svc.domain.lifecycle import TaskVerb, task_step
from assignment_svc.domain.obligations import met_by_decisions, stamped, with_obligations
from assignment_svc.domain.states import Actor, TaskStatus
from assignment_svc.domain.task import Binding, Task
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.verdict import Verdict


def step(task: Task, verb: TaskVerb, actor: Actor) -> TaskStatus:
    """The task's status after ``verb``; raises `IllegalTransition`."""
    return task_step(task.status, task.parked_for, verb, actor)


def submitted(task: Task, actor: Actor) -> Task:
    """PENDING; the engine looks for an assignee at once where the task is assigned by itself."""
    return replace(
        task,
        status=task_step(None, None, TaskVerb.SUBMIT, actor),
        next_try_at=task.submitted_at if task.automatic else None,
    )


def left_to_submitter(task: Task, until: datetime) -> Task:
    """The same task, which the queue leaves alone for a while: its submitter is assigning it."""
    return replace(task, next_try_at=until if task.automatic else None)


def submission_recorded(task: Task, event_id: str) -> Task:
    """The task with the event of its submission, which a repetition is answered with."""
    return replace(task, submit_event_id=event_id)


# Ownership.


def _gained(task: Task, binding: Binding) -> Task:
    """The task held under ``binding``, whose epoch is above every one of the task before."""
    if binding.epoch <= task.epoch:
        raise ValueError(f"epoch {binding.epoch} of {task.task_id} is not above {task.epoch}")
    return replace(
        task,
        binding=binding,
        epoch=binding.epoch,
        tries=0,
        failure_hash="",
        next_try_at=None,
        resume_due_at=None,
    )


def _released(task: Task) -> Task:
    """The task without an owner, its epoch burnt; the seat at the owner's gate is not touched."""
    if task.binding is None:
        return task
    return replace(
        task,
        binding=None,
        epoch=task.epoch + 1,
        start_due_at=None,
        attempt_due_at=None,
        resume_due_at=None,
    )


def assigned(task: Task, binding: Binding, verdict: Verdict) -> Task:
    """ASSIGNED: bound, and to be started in time; it owes what the verdict asks for."""
    return replace(
        _gained(task, binding),
        status=step(task, TaskVerb.ASSIGN, Actor.ENGINE),
        parked=None,
        reason="",
        start_due_at=binding.bound_at + task.spec.start_timeout,
        obligations=with_obligations(task.obligations, verdict),
    )


def started(task: Task, at: datetime) -> Task:
    """ACTIVE: an attempt begins."""
    return replace(
        task,
        status=step(task, TaskVerb.START, Actor.ASSIGNEE),
        attempt=task.attempt + 1,
        start_due_at=None,
        attempt_due_at=task.attempt_deadline(at),
    )


def requeued(task: Task, verb: TaskVerb, actor: Actor, *, reason: ReasonCode, at: datetime) -> Task:
    """PENDING after a decline or a retry: the owner is gone, the context stays.

    The engine looks for an assignee at once where the task is assigned automatically.
    """
    return replace(
        _released(task),
        status=step(task, verb, actor),
        reason=reason.value,
        next_try_at=at if task.automatic else None,
    )


def fenced(task: Task, reason: ReasonCode) -> Task:
    """MIGRATING: the owner's epoch is burnt, so whatever it still writes is refused."""
    return replace(
        _released(task),
        status=step(task, TaskVerb.MIGRATE, Actor.ENGINE),
        reason=reason.value,
    )


def source_lost(task: Task, reason: ReasonCode) -> Task:
    """MIGRATING still: its source, which lived when it was fenced, is gone too."""
    return replace(task, reason=reason.value)


def rebound(task: Task, binding: Binding, verdict: Verdict) -> Task:
    """ACTIVE with the target of a handoff, which accepts and starts in one step."""
    return replace(
        _gained(task, binding),
        status=step(task, TaskVerb.REBIND, Actor.TARGET),
        handoff_id="",
        reason="",
        attempt=max(1, task.attempt),
        attempt_due_at=task.attempt_deadline(binding.bound_at),
        obligations=with_obligations(task.obligations, verdict),
    )


def returned(task: Task, binding: Binding, verdict: Verdict) -> Task:
    """ACTIVE again with the source that lost it, before anybody else took over."""
    return replace(
        _gained(task, binding),
        status=step(task, TaskVerb.RESUME, Actor.SOURCE),
        reason="",
        attempt=max(1, task.attempt),
        attempt_due_at=task.attempt_deadline(binding.bound_at),
        obligations=with_obligations(task.obligations, verdict),
    )


def resumed(task: Task, binding: Binding) -> Task:
    """The same status with a newer generation of the owner, under a new epoch."""
    at = binding.bound_at
    return replace(
        _gained(_released(task), binding),
        status=step(task, TaskVerb.RESUME, Actor.ASSIGNEE),
        start_due_at=at + task.spec.start_timeout if task.start_due_at else None,
        attempt_due_at=task.attempt_due_at,
    )


def restored(task: Task, binding: Binding, actor: Actor) -> Task:
    """ACTIVE with the living source again: its handoff was aborted after the source was fenced."""
    return replace(
        _gained(task, binding),
        status=step(task, TaskVerb.ABORT_HANDOFF, actor),
        reason="",
        attempt_due_at=task.attempt_deadline(binding.bound_at),
    )


def resume_awaited(task: Task, until: datetime) -> Task:
    """The same task, which its returned owner has to resume in time."""
    return replace(task, resume_due_at=until)


def resume_settled(task: Task) -> Task:
    """The same task, of which nothing has to be resumed any more."""
    return replace(task, resume_due_at=None)


def orphaned(task: Task, reason: ReasonCode) -> Task:
    """AWAITING_APPROVAL still: question and result stay, their owner is gone."""
    return replace(
        _released(task),
        status=step(task, TaskVerb.ORPHAN, Actor.ENGINE),
        reason=reason.value,
    )


# Everything else.


def ended(
    task: Task, verb: TaskVerb, actor: Actor, *, reason: ReasonCode, result_hash: str = ""
) -> Task:
    """SUCCEEDED, FAILED or CANCELLED, for ever: no owner, no deadline, nothing that waits."""
    return replace(
        _released(task),
        status=step(task, verb, actor),
        parked=None,
        handoff_id="",
        next_try_at=None,
        start_due_at=None,
        attempt_due_at=None,
        resume_due_at=None,
        reason=reason.value,
        result_hash=result_hash or task.result_hash,
    )


def explained(task: Task, why: str) -> Task:
    """The same task with what was said about its newest failure, decline or end; "" for nothing."""
    return replace(task, why=why)


def nobody_found(task: Task, *, next_try_at: datetime | None, failure_hash: str) -> Task:
    """PENDING still: a search found nobody, for these reasons, and the next one comes later."""
    return replace(
        task,
        tries=task.tries + 1,
        failure_hash=failure_hash,
        reason=ReasonCode.NO_ELIGIBLE_PARTICIPANT.value,
        next_try_at=next_try_at,
    )


def handoff_began(task: Task, handoff_id: str) -> Task:
    """The same task with an open handoff."""
    return replace(task, handoff_id=handoff_id)


def handoff_ended(task: Task) -> Task:
    """The same task without an open handoff."""
    return replace(task, handoff_id="")


def checkpointed(task: Task, pointer: ContextPointer, decided: Collection[str]) -> Task:
    """The same task with a newer context, whose decisions meet obligations."""
    return replace(met_by_decisions(task, decided, pointer), pointer=pointer)


def action_authorized(task: Task, verdict: Verdict) -> Task:
    """The same task; it owes what the verdict asks for."""
    return replace(task, obligations=with_obligations(task.obligations, verdict))


def recorded(task: Task, *, version: int, event_id: str, at: datetime) -> Task:
    """The task as the event ``event_id`` leaves it; each event counts one version."""
    return replace(
        task,
        version=version,
        last_event_id=event_id,
        updated_at=at,
        obligations=stamped(task, event_id),
    )
