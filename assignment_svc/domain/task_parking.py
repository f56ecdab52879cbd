"""The steps of a task that begin and end its waiting for a human, as `task_transitions` has them.

A parked assignment holds no seat and no owner; a parked result keeps its owner and its epoch.
"""

from dataclasses import replace
from datetime import datetime

from assignment_svc.domain.lifecycle import TaskVerb
from assignment_svc.domain.states import Actor, ParkedAction, TaskStatus
from assignment_svc.domain.task import Parked, Task
from assignment_svc.domain.task_transitions import step
from phoenix_runtime.core.events import ReasonCode


def parked_for_assignment(task: Task, parked: Parked) -> Task:
    """AWAITING_APPROVAL of one target, from PENDING or from an earlier question."""
    again = task.status is TaskStatus.AWAITING_APPROVAL
    verb = TaskVerb.ASK_AGAIN if again else TaskVerb.ASK_HUMAN
    return replace(
        task,
        status=step(task, verb, Actor.ENGINE),
        parked=parked,
        next_try_at=None,
        reason=ReasonCode.APPROVAL_REQUIRED.value,
    )


def unparked(task: Task, verb: TaskVerb, *, reason: ReasonCode, at: datetime) -> Task:
    """PENDING: the question about an assignment was refused, or its target cannot take it."""
    return replace(
        task,
        status=step(task, verb, Actor.ENGINE),
        parked=None,
        reason=reason.value,
        next_try_at=at,
    )


def parked_with_result(task: Task, approval_id: str, result_hash: str) -> Task:
    """AWAITING_APPROVAL of a result: the attempt is over, its owner and its epoch stay."""
    return replace(
        task,
        status=step(task, TaskVerb.ASK_HUMAN, Actor.ENGINE),
        parked=Parked(ParkedAction.COMPLETE, approval_id, result_hash),
        attempt_due_at=None,
        reason=ReasonCode.APPROVAL_REQUIRED.value,
    )


def asked_again(task: Task, parked: Parked, approval_id: str) -> Task:
    """AWAITING_APPROVAL still, of the same content, with a new question."""
    return replace(
        task,
        status=step(task, TaskVerb.ASK_AGAIN, Actor.ENGINE),
        parked=replace(parked, approval_id=approval_id),
    )


def result_refused(task: Task, *, reason: ReasonCode, at: datetime) -> Task:
    """ACTIVE again under the same epoch: the owner goes on with the task."""
    return replace(
        task,
        status=step(task, TaskVerb.REFUSED_RESULT, Actor.ENGINE),
        parked=None,
        reason=reason.value,
        attempt_due_at=task.attempt_deadline(at),
    )


def result_refused_without_owner(task: Task, reason: ReasonCode) -> Task:
    """MIGRATING: the result is refused, and the owner that brought it is gone."""
    return replace(
        task,
        status=step(task, TaskVerb.REFUSED_WITHOUT_OWNER, Actor.ENGINE),
        parked=None,
        reason=reason.value,
    )
