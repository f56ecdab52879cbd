"""Lineage: what belongs to a task, and who holds it, read from the audit alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from phoenix_runtime.core.events import AuditEvent, AuditEventType

GIVES = frozenset(
    {
        AuditEventType.ASSIGNMENT_CREATED,
        AuditEventType.HANDOFF_COMPLETED,
        AuditEventType.TASK_RESUMED,
        AuditEventType.HANDOFF_ABORTED,
    }
)
"""Events after which somebody holds the task, where they name whom."""

TAKES = frozenset(
    {
        AuditEventType.TASK_MIGRATING,
        AuditEventType.TASK_DECLINED,
        AuditEventType.TASK_RETRIED,
        AuditEventType.TASK_ORPHANED,
    }
)
"""Events after which nobody holds it."""

HOLDING = tuple(sorted(GIVES | TAKES))


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
    return Family(task, own.actor, tasks, own.correlation_id, root=not parents[task])


def parent_of(submission: AuditEvent) -> str:
    """The parent task that a submission names; empty where it has none."""
    return str(submission.detail.get("parent_task_id") or "")


def holder(events: Iterable[AuditEvent]) -> str:
    """Who holds a task after ``events`` about it, by version; empty where nobody does.

    The target of an offer holds nothing before its rebind, and a source nothing after its fence.
    """
    found = ""
    for event in events:
        if event.type in TAKES:
            found = ""
        elif event.type in GIVES and event.participant:
            found = event.participant
    return found


def _descendants(task: str, parents: Mapping[str, str]) -> tuple[str, ...]:
    """``task`` and all below it."""
    found = [task]
    for known in found:
        found += [child for child, parent in parents.items() if parent == known]
    return tuple(found)
