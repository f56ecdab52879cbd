"""The verbs of the three lifecycles; a status changes only through one of them."""

from enum import StrEnum


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


class OfferOutcome(StrEnum):
    """How an offer ended."""

    COMPLETED = "completed"
    DECLINED = "declined"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    ABORTED = "aborted"
