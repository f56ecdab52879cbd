"""Directives to participants: stored until acknowledged; the stream only transports them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class DirectiveAction(StrEnum):
    """What a directive asks for."""

    START_TASK = "start_task"
    STOP_TASK = "stop_task"
    CHECKPOINT_TASK = "checkpoint_task"
    RECEIVE_HANDOFF = "receive_handoff"
    APPROVAL_DECIDED = "approval_decided"
    DRAIN = "drain"
    REGISTER_AGAIN = "register_again"


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive, idempotent by ``directive_id``; names task and epoch, carries no secret."""

    directive_id: str
    action: DirectiveAction
    participant_id: str
    task_id: str = ""
    epoch: int = 0
    handoff_id: str = ""
    offer_id: str = ""
    deadline: datetime | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    required_capabilities: tuple[str, ...] = ()
    """With START_TASK, what the task requires."""
