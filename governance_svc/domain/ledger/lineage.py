"""Lineage: which tasks belong to a task, and who holds it, read from the audit alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from phoenix_runtime.core.event_catalogue import CATALOGUE, Ownership, with_ownership
from phoenix_runtime.core.events import AuditEvent

GAINED = with_ownership(Ownership.GAINED)
"""Events after which the participant that they name holds the task."""

LOST = with_ownership(Ownership.LOST)
"""Events after which nobody holds it."""

RETURNED = with_ownership(Ownership.RETURNED)
"""Events after which a living source may hold it again."""

OWNERSHIP_TYPES = tuple(sorted(GAINED | LOST | RETURNED))
"""The event types that determine the holder of a task; its end leaves it with its last owner."""


@dataclass(frozen=True, slots=True)
class Family:
    """A task and its descendants; ``root`` is true where it has no parent.

    All events with the correlation id of a root belong to its lineage. A child shares that id with
    its parent and siblings, whose events do not belong to the child's lineage.
    """

    task: str
    submitter: str
    tasks: tuple[str, ...]
    correlation_id: str
    root: bool = True


def family(task: str, submissions: Sequence[AuditEvent]) -> Family | None:
    """The family of ``task`` among the TASK_SUBMITTED events of its correlation id.

    None where ``task`` is not among them.
    """
    own = next((event for event in submissions if event.task == task), None)
    if own is None:
        return None
    parents = {event.task: parent_of(event) for event in submissions}
    tasks = _descendants(task, parents)
    submitter = _submitted(own, "submitter") or own.actor
    return Family(task, submitter, tasks, own.correlation_id, root=not parents[task])


def parent_of(submission: AuditEvent) -> str:
    """The parent task that a submission names; empty where it has none."""
    return _submitted(submission, "parent_task_id")


def _submitted(submission: AuditEvent, field: str) -> str:
    task = submission.detail.get("task")
    return str(task.get(field) or "") if isinstance(task, Mapping) else ""


def holder(events: Iterable[AuditEvent]) -> str:
    """The holder of a task after ``events`` about it, by version; empty where nobody holds it.

    The target of an offer holds nothing before its rebind, and a source nothing after its fence.
    """
    current = ""
    for event in events:
        if event.type in LOST:
            current = ""
        elif event.type in GAINED or _returned(event):
            current = event.participant
    return current


def latest_epoch(events: Iterable[AuditEvent]) -> int:
    """The highest epoch at which ``events`` tell of a holder; 0 where they tell of none."""
    named = (
        event.detail.get(CATALOGUE[event.type].epoch_field)
        for event in events
        if event.type in GAINED or event.type in RETURNED
    )
    return max((epoch for epoch in named if isinstance(epoch, int)), default=0)


def _returned(event: AuditEvent) -> bool:
    """Whether an aborted handoff leaves the task with a living source."""
    return event.type in RETURNED and event.detail.get("task_status") == "active"


def _descendants(task: str, parents: Mapping[str, str]) -> tuple[str, ...]:
    """``task`` and all below it, each once, even where a ledger's parents form a circle."""
    children: dict[str, list[str]] = {}
    for child, parent in parents.items():
        children.setdefault(parent, []).append(child)
    reached = {task: None}
    waiting = [task]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in reached:
                reached[child] = None
                waiting.append(child)
    return tuple(reached)
