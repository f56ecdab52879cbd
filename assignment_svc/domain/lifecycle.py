"""The three lifecycle tables as data; a state changes only through a verb of one of them.

`AWAITING_APPROVAL` is one state with two meanings (assign, complete): `task_step` checks the second
half of the table, which verb goes with which, beside the table itself.
"""

from assignment_svc.domain.states import (
    ENDED,
    HANDOFF_ENDED,
    Actor,
    HandoffStatus,
    ParkedAction,
    RetirementStatus,
    TaskStatus,
)
from phoenix_runtime.core.errors import IllegalTransition
from phoenix_runtime.core.lifecycle import Lifecycle, transition

_T = TaskStatus
_H = HandoffStatus
_ENGINE = {Actor.ENGINE}
_OPEN_TASK = set(TaskStatus) - ENDED
_OPEN_HANDOFF = set(HandoffStatus) - HANDOFF_ENDED

TASK = Lifecycle(
    "task",
    [
        transition("submit", {None}, _T.PENDING, {Actor.SUBMITTER, Actor.OPERATOR, Actor.ASSIGNEE}),
        transition("assign", {_T.PENDING, _T.AWAITING_APPROVAL}, _T.ASSIGNED, _ENGINE),
        transition("ask_human", {_T.PENDING, _T.ACTIVE}, _T.AWAITING_APPROVAL, _ENGINE),
        # `refused` goes back to where the task was parked from: one verb a destination.
        transition("refused_assignment", {_T.AWAITING_APPROVAL}, _T.PENDING, _ENGINE),
        transition("refused_result", {_T.AWAITING_APPROVAL}, _T.ACTIVE, _ENGINE),
        transition("refused_without_owner", {_T.AWAITING_APPROVAL}, _T.MIGRATING, _ENGINE),
        transition("ask_again", {_T.AWAITING_APPROVAL}, None, _ENGINE),
        transition("unpark", {_T.AWAITING_APPROVAL}, _T.PENDING, _ENGINE),
        transition("orphan", {_T.AWAITING_APPROVAL}, None, _ENGINE),
        transition("start", {_T.ASSIGNED}, _T.ACTIVE, {Actor.ASSIGNEE}),
        transition("decline", {_T.ASSIGNED}, _T.PENDING, {Actor.ASSIGNEE, Actor.DEADLINE}),
        transition(
            "resume", {_T.ASSIGNED, _T.ACTIVE, _T.AWAITING_APPROVAL}, None, {Actor.ASSIGNEE}
        ),
        transition("resume", {_T.MIGRATING}, _T.ACTIVE, {Actor.SOURCE}),
        transition("abort_handoff", {_T.MIGRATING}, _T.ACTIVE, {Actor.OPERATOR, Actor.ENGINE}),
        transition("migrate", {_T.ASSIGNED, _T.ACTIVE}, _T.MIGRATING, _ENGINE),
        transition("rebind", {_T.MIGRATING}, _T.ACTIVE, {Actor.TARGET}),
        transition(
            "succeed",
            {_T.ACTIVE, _T.AWAITING_APPROVAL},
            _T.SUCCEEDED,
            {Actor.ASSIGNEE, Actor.ENGINE},
        ),
        transition("retry", {_T.ACTIVE}, _T.PENDING, {Actor.ASSIGNEE, Actor.DEADLINE}),
        transition("fail", {_T.ASSIGNED, _T.ACTIVE}, _T.FAILED, {Actor.ASSIGNEE, Actor.DEADLINE}),
        transition("expire", _OPEN_TASK, _T.FAILED, {Actor.DEADLINE}),
        transition(
            "cancel", _OPEN_TASK, _T.CANCELLED, {Actor.SUBMITTER, Actor.OPERATOR, Actor.ENGINE}
        ),
    ],
    ends=ENDED,
)
"""Task. `abort_handoff` is what aborting a handoff does to the task of a living source."""

HANDOFF = Lifecycle(
    "handoff",
    [
        transition("initiate", {None}, _H.INITIATED, {Actor.SOURCE, Actor.OPERATOR, Actor.ENGINE}),
        transition("ask_human", {_H.INITIATED}, _H.AWAITING_APPROVAL, _ENGINE),
        transition("approved", {_H.AWAITING_APPROVAL}, _H.INITIATED, _ENGINE),
        transition("source_lost", _OPEN_HANDOFF, None, _ENGINE),
        transition("withdraw", {_H.OFFERED}, _H.INITIATED, _ENGINE),
        transition("refuse_target", {_H.INITIATED, _H.AWAITING_APPROVAL}, _H.INITIATED, _ENGINE),
        transition("offer", {_H.INITIATED}, _H.OFFERED, _ENGINE),
        transition("decline", {_H.OFFERED}, _H.INITIATED, {Actor.TARGET}),
        transition("time_out", {_H.OFFERED}, _H.INITIATED, {Actor.DEADLINE}),
        transition("complete", {_H.OFFERED}, _H.COMPLETED, {Actor.TARGET}),
        transition("deny", {_H.INITIATED, _H.AWAITING_APPROVAL}, _H.DENIED, _ENGINE),
        transition("abort", _OPEN_HANDOFF, _H.ABORTED, {Actor.OPERATOR, Actor.ENGINE}),
    ],
    ends=HANDOFF_ENDED,
)
"""Handoff; at most one open a task."""

RETIREMENT = Lifecycle(
    "retirement",
    [
        transition("begin", {None}, RetirementStatus.DRAINING, {Actor.PARTICIPANT, Actor.OPERATOR}),
        transition(
            "make_immediate", {RetirementStatus.DRAINING}, None, {Actor.ENGINE, Actor.OPERATOR}
        ),
        transition("finish", {RetirementStatus.DRAINING}, RetirementStatus.FINISHED, _ENGINE),
    ],
    ends={RetirementStatus.FINISHED},
)
"""Retirement; every step can be repeated after a crash."""

PARKED_FOR = {
    "assign": ParkedAction.ASSIGN,
    "refused_assignment": ParkedAction.ASSIGN,
    "unpark": ParkedAction.ASSIGN,
    "refused_result": ParkedAction.COMPLETE,
    "refused_without_owner": ParkedAction.COMPLETE,
    "orphan": ParkedAction.COMPLETE,
    "resume": ParkedAction.COMPLETE,
    "succeed": ParkedAction.COMPLETE,
}
"""Which question a parked task must be waiting for, by verb; the other verbs do not care."""


def task_step(
    status: TaskStatus | None, parked: ParkedAction | None, verb: str, actor: Actor
) -> TaskStatus:
    """The status after ``verb``; raises `IllegalTransition` where the table has no such step."""
    if status is TaskStatus.AWAITING_APPROVAL and PARKED_FOR.get(verb, parked) is not parked:
        allowed = {v for v in TASK.allowed(status, actor) if PARKED_FOR.get(v, parked) is parked}
        raise IllegalTransition(kind="task", source=status.value, verb=verb, allowed=allowed)
    return TASK.apply(status, verb, actor)
