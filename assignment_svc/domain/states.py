"""The states of tasks, handoffs and retirements, and the small enumerations beside them."""

from enum import StrEnum


class TaskStatus(StrEnum):
    """Where a task is (lifecycles, Task)."""

    PENDING = "pending"
    ASSIGNED = "assigned"
    ACTIVE = "active"
    AWAITING_APPROVAL = "awaiting_approval"
    MIGRATING = "migrating"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class HandoffStatus(StrEnum):
    """Where a handoff is (lifecycles, Handoff)."""

    INITIATED = "initiated"
    AWAITING_APPROVAL = "awaiting_approval"
    OFFERED = "offered"
    COMPLETED = "completed"
    DENIED = "denied"
    ABORTED = "aborted"


class RetirementStatus(StrEnum):
    """Where a retirement is (lifecycles, Retirement)."""

    DRAINING = "draining"
    FINISHED = "finished"


class RetirementMode(StrEnum):
    """How a participant retires."""

    GRACEFUL = "graceful"
    IMMEDIATE = "immediate"


class Outcome(StrEnum):
    """What became of one task of a retiring participant."""

    OPEN = "open"
    COMPLETED = "completed"
    ENDED = "ended"
    HANDED_OFF = "handed_off"
    RETURNED = "returned"
    WAITING = "waiting"


class AssignmentIntent(StrEnum):
    """When the engine looks for an assignee."""

    AUTOMATIC = "automatic"
    ON_REQUEST = "on_request"


class ParkedAction(StrEnum):
    """What a parked task waits to do."""

    ASSIGN = "assign"
    COMPLETE = "complete"


class ActionKind(StrEnum):
    """The kinds of action that `data.operate` governs."""

    TOOL_INVOCATION = "tool_invocation"
    DATA_READ = "data_read"
    DATA_MUTATION = "data_mutation"
    FINAL_ACTION = "final_action"


class EffectStatus(StrEnum):
    """Where an effect outside the runtime is (I17)."""

    BEGUN = "begun"
    UNKNOWN = "unknown"
    DONE = "done"
    NOT_DONE = "not_done"


class ApprovalState(StrEnum):
    """What has become of a question to a human."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Actor(StrEnum):
    """Who may use a verb of a lifecycle table."""

    SUBMITTER = "submitter"
    OPERATOR = "operator"
    ASSIGNEE = "assignee"
    SOURCE = "source"
    TARGET = "target"
    PARTICIPANT = "participant"
    ENGINE = "engine"
    DEADLINE = "deadline"


ENDED = frozenset({TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.CANCELLED})
"""A task that is in one of these stays there."""

HANDOFF_ENDED = frozenset({HandoffStatus.COMPLETED, HandoffStatus.DENIED, HandoffStatus.ABORTED})
"""A handoff that is in one of these stays there."""
