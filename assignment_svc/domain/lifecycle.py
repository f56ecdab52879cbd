"""The verbs and the tables of the four lifecycles; a state changes only through a verb.

`AWAITING_APPROVAL` is one state with two meanings (assign, complete): `task_step` checks the second
half of the table, which verb goes with which, beside the table itself.
"""

from enum import StrEnum

from assignment_svc.domain.states import (
    ENDED,
    HANDOFF_ENDED,
    Actor,
    EffectStatus,
    HandoffStatus,
    ParkedAction,
    RetirementStatus,
    TaskStatus,
)
from phoenix_runtime.core.errors import IllegalTransition
from phoenix_runtime.core.lifecycle import Lifecycle, transition


class TaskVerb(StrEnum):
    """What can happen to a task."""

    SUBMIT = "submit"
    ASSIGN = "assign"
    ASK_HUMAN = "ask_human"
    REFUSED_ASSIGNMENT = "refused_assignment"
    REFUSED_RESULT = "refused_result"
    REFUSED_WITHOUT_OWNER = "refused_without_owner"
    ASK_AGAIN = "ask_again"
    UNPARK = "unpark"
    ORPHAN = "orphan"
    START = "start"
    DECLINE = "decline"
    RESUME = "resume"
    ABORT_HANDOFF = "abort_handoff"
    MIGRATE = "migrate"
    REBIND = "rebind"
    SUCCEED = "succeed"
    RETRY = "retry"
    FAIL = "fail"
    ABANDON = "abandon"
    EXPIRE = "expire"
    CANCEL = "cancel"


class HandoffVerb(StrEnum):
    """What can happen to a handoff."""

    INITIATE = "initiate"
    ASK_HUMAN = "ask_human"
    APPROVED = "approved"
    SOURCE_LOST = "source_lost"
    WITHDRAW = "withdraw"
    REFUSE_TARGET = "refuse_target"
    OFFER = "offer"
    DECLINE = "decline"
    TIME_OUT = "time_out"
    COMPLETE = "complete"
    DENY = "deny"
    ABORT = "abort"


class RetirementVerb(StrEnum):
    """What can happen to a retirement."""

    BEGIN = "begin"
    MAKE_IMMEDIATE = "make_immediate"
    FINISH = "finish"


class EffectVerb(StrEnum):
    """What can happen to an effect outside the runtime."""

    BEGIN = "begin"
    REPEAT = "repeat"
    LOSE = "lose"
    RECORD_DONE = "record_done"
    RECORD_NOT_DONE = "record_not_done"
    RECORD_UNKNOWN = "record_unknown"


class OfferOutcome(StrEnum):
    """How an offer ended."""

    COMPLETED = "completed"
    DECLINED = "declined"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    ABORTED = "aborted"


_T, _H, _R = TaskStatus, HandoffStatus, RetirementStatus
_TV, _HV, _RV = TaskVerb, HandoffVerb, RetirementVerb
_ENGINE = {Actor.ENGINE}
_OPEN_TASK = set(TaskStatus) - ENDED
_OPEN_HANDOFF = set(HandoffStatus) - HANDOFF_ENDED

TASK = Lifecycle(
    "task",
    [
        transition(
            _TV.SUBMIT, {None}, _T.PENDING, {Actor.SUBMITTER, Actor.OPERATOR, Actor.ASSIGNEE}
        ),
        transition(_TV.ASSIGN, {_T.PENDING, _T.AWAITING_APPROVAL}, _T.ASSIGNED, _ENGINE),
        transition(_TV.ASK_HUMAN, {_T.PENDING, _T.ACTIVE}, _T.AWAITING_APPROVAL, _ENGINE),
        # `refused` goes back to where the task was parked from: one verb a destination.
        transition(_TV.REFUSED_ASSIGNMENT, {_T.AWAITING_APPROVAL}, _T.PENDING, _ENGINE),
        transition(_TV.REFUSED_RESULT, {_T.AWAITING_APPROVAL}, _T.ACTIVE, _ENGINE),
        transition(_TV.REFUSED_WITHOUT_OWNER, {_T.AWAITING_APPROVAL}, _T.MIGRATING, _ENGINE),
        transition(_TV.ASK_AGAIN, {_T.AWAITING_APPROVAL}, None, _ENGINE),
        transition(_TV.UNPARK, {_T.AWAITING_APPROVAL}, _T.PENDING, _ENGINE),
        transition(_TV.ORPHAN, {_T.AWAITING_APPROVAL}, None, _ENGINE),
        transition(_TV.START, {_T.ASSIGNED}, _T.ACTIVE, {Actor.ASSIGNEE}),
        transition(_TV.DECLINE, {_T.ASSIGNED}, _T.PENDING, {Actor.ASSIGNEE, Actor.DEADLINE}),
        transition(
            _TV.RESUME, {_T.ASSIGNED, _T.ACTIVE, _T.AWAITING_APPROVAL}, None, {Actor.ASSIGNEE}
        ),
        transition(_TV.RESUME, {_T.MIGRATING}, _T.ACTIVE, {Actor.SOURCE}),
        transition(_TV.ABORT_HANDOFF, {_T.MIGRATING}, _T.ACTIVE, {Actor.OPERATOR, Actor.ENGINE}),
        transition(_TV.MIGRATE, {_T.ASSIGNED, _T.ACTIVE}, _T.MIGRATING, _ENGINE),
        transition(_TV.REBIND, {_T.MIGRATING}, _T.ACTIVE, {Actor.TARGET}),
        transition(
            _TV.SUCCEED,
            {_T.ACTIVE, _T.AWAITING_APPROVAL},
            _T.SUCCEEDED,
            {Actor.ASSIGNEE, Actor.ENGINE},
        ),
        transition(_TV.RETRY, {_T.ACTIVE}, _T.PENDING, {Actor.ASSIGNEE, Actor.DEADLINE}),
        transition(_TV.FAIL, {_T.ASSIGNED, _T.ACTIVE}, _T.FAILED, {Actor.ASSIGNEE, Actor.DEADLINE}),
        # Its owner was lost once too often: nobody else gets it.
        transition(_TV.ABANDON, {_T.ACTIVE}, _T.FAILED, _ENGINE),
        transition(_TV.EXPIRE, _OPEN_TASK, _T.FAILED, {Actor.DEADLINE}),
        transition(
            _TV.CANCEL, _OPEN_TASK, _T.CANCELLED, {Actor.SUBMITTER, Actor.OPERATOR, Actor.ENGINE}
        ),
    ],
    ends=ENDED,
)
"""Task. `abort_handoff` is what aborting a handoff does to the task of a living source."""

HANDOFF = Lifecycle(
    "handoff",
    [
        transition(
            _HV.INITIATE, {None}, _H.INITIATED, {Actor.SOURCE, Actor.OPERATOR, Actor.ENGINE}
        ),
        transition(_HV.ASK_HUMAN, {_H.INITIATED}, _H.AWAITING_APPROVAL, _ENGINE),
        transition(_HV.APPROVED, {_H.AWAITING_APPROVAL}, _H.INITIATED, _ENGINE),
        transition(_HV.SOURCE_LOST, _OPEN_HANDOFF, None, _ENGINE),
        transition(_HV.WITHDRAW, {_H.OFFERED}, _H.INITIATED, _ENGINE),
        transition(_HV.REFUSE_TARGET, {_H.INITIATED, _H.AWAITING_APPROVAL}, _H.INITIATED, _ENGINE),
        transition(_HV.OFFER, {_H.INITIATED}, _H.OFFERED, _ENGINE),
        transition(_HV.DECLINE, {_H.OFFERED}, _H.INITIATED, {Actor.TARGET}),
        transition(_HV.TIME_OUT, {_H.OFFERED}, _H.INITIATED, {Actor.DEADLINE}),
        transition(_HV.COMPLETE, {_H.OFFERED}, _H.COMPLETED, {Actor.TARGET}),
        transition(_HV.DENY, {_H.INITIATED, _H.AWAITING_APPROVAL}, _H.DENIED, _ENGINE),
        transition(_HV.ABORT, _OPEN_HANDOFF, _H.ABORTED, {Actor.OPERATOR, Actor.ENGINE}),
    ],
    ends=HANDOFF_ENDED,
)
"""Handoff; at most one open a task."""

RETIREMENT = Lifecycle(
    "retirement",
    [
        transition(_RV.BEGIN, {None}, _R.DRAINING, {Actor.PARTICIPANT, Actor.OPERATOR}),
        transition(_RV.MAKE_IMMEDIATE, {_R.DRAINING}, None, {Actor.ENGINE, Actor.OPERATOR}),
        transition(_RV.FINISH, {_R.DRAINING}, _R.FINISHED, _ENGINE),
    ],
    ends={_R.FINISHED},
)
"""Retirement; every step can be repeated after a crash."""

_E, _EV = EffectStatus, EffectVerb

EFFECT = Lifecycle(
    "effect",
    [
        transition(_EV.BEGIN, {None, _E.NOT_DONE}, _E.BEGUN, {Actor.ASSIGNEE}),
        # Policy has said that it may be done again; the idempotency key is the same.
        transition(_EV.REPEAT, {_E.UNKNOWN}, _E.BEGUN, {Actor.ASSIGNEE}),
        # Its owner's epoch was burnt: read off the task, and never written.
        transition(_EV.LOSE, {_E.BEGUN}, _E.UNKNOWN, _ENGINE),
        transition(_EV.RECORD_DONE, {_E.BEGUN, _E.UNKNOWN}, _E.DONE, {Actor.ASSIGNEE}),
        transition(_EV.RECORD_NOT_DONE, {_E.BEGUN, _E.UNKNOWN}, _E.NOT_DONE, {Actor.ASSIGNEE}),
        transition(_EV.RECORD_UNKNOWN, {_E.BEGUN}, _E.UNKNOWN, {Actor.ASSIGNEE}),
    ],
    ends={_E.DONE},
)
"""Effect; what was done is never begun again."""

PARKED_FOR = {
    _TV.ASSIGN: ParkedAction.ASSIGN,
    _TV.REFUSED_ASSIGNMENT: ParkedAction.ASSIGN,
    _TV.UNPARK: ParkedAction.ASSIGN,
    _TV.REFUSED_RESULT: ParkedAction.COMPLETE,
    _TV.REFUSED_WITHOUT_OWNER: ParkedAction.COMPLETE,
    _TV.ORPHAN: ParkedAction.COMPLETE,
    _TV.RESUME: ParkedAction.COMPLETE,
    _TV.SUCCEED: ParkedAction.COMPLETE,
}
"""Which question a parked task must be waiting for, by verb; the other verbs do not care."""


def task_step(
    status: TaskStatus | None, parked: ParkedAction | None, verb: TaskVerb, actor: Actor
) -> TaskStatus:
    """The status after ``verb``; raises `IllegalTransition` where the table has no such step."""
    if status is TaskStatus.AWAITING_APPROVAL and PARKED_FOR.get(verb, parked) is not parked:
        allowed = {v for v in TASK.allowed(status, actor) if PARKED_FOR.get(v, parked) is parked}
        raise IllegalTransition(kind="task", source=status.value, verb=verb, allowed=allowed)
    return TASK.apply(status, verb, actor)
