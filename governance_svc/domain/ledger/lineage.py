"""Lineage: what belongs to a task, and who holds it, read from the audit alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from phoenix_runtime.core.event_catalogue import Ownership, with_ownership
from phoenix_runtime.core.events import AuditEvent, AuditEventType

GIVES = with_ownership(Ownership.GAINED)
"""Events after which somebody holds the task, where they name whom."""

TAKES = with_ownership(Ownership.LOST)
"""Events after which nobody holds it."""

HOLDING = tuple(sorted(GIVES | TAKES | with_ownership(Ownership.RETURNED)))
"""What has to be read of a task to know who holds it."""


@dataclass(frozen=True, slots=True)
class Family:
    """A task and its descendants; ``root`` where it has no parent.

    All events with the correlation id of a root belong to its lineage; a child shares that id with
    its parent and siblings, whose events are not its own.
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
    """Who holds a task after ``events`` about it, by version; empty where nobody does.

    The target of an offer holds nothing before its rebind, and a source nothing after its fence.
    """
    found = ""
    for event in events:
        if event.type in TAKES:
            found = ""
        elif _gives(event):
            found = event.participant
    return found


def _gives(event: AuditEvent) -> bool:
    """Whether somebody holds the task now; a handoff given up leaves it with a living source."""
    if event.type == AuditEventType.HANDOFF_ABORTED:
        return event.detail.get("task_status") == "active"
    return event.type in GIVES


def _descendants(task: str, parents: Mapping[str, str]) -> tuple[str, ...]:
    """``task`` and all below it, each once, whatever circles a ledger may claim."""
    children: dict[str, list[str]] = {}
    for child, parent in parents.items():
        children.setdefault(parent, []).append(child)
    found = {task: None}
    waiting = [task]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found[child] = None
                waiting.append(child)
    return tuple(found)
