"""The answer of most verbs of a task."""

from dataclasses import dataclass

from assignment_svc.domain.task import Task
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Changed:
    """A task after a verb, and the receipt; ``result`` where the task has one."""

    task: Task
    receipt: Receipt
    result: JsonObject | None = None


def as_it_stands(task: Task, result: JsonObject | None = None) -> Changed:
    """The answer to a repetition: what the task's last event proves."""
    return Changed(task, Receipt(task.last_event_id, task.correlation_id, task.version), result)
