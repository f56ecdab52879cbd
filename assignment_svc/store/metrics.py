"""Metrics of assignment (paper, section 12), counted from the events of each transaction."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import Counter, Histogram

from phoenix_runtime.core.events import AuditDraft
from phoenix_runtime.core.events import AuditEventType as Type

ASSIGNMENT: Final = Histogram(
    "phoenix_dma_assignment_seconds", "From discovery to the committed binding"
)
HANDOFF: Final = Histogram(
    "phoenix_dma_handoff_seconds",
    "From the start of a handoff to the rebind",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600),
)
DENIED: Final = Counter("phoenix_dma_assignments_denied_total", "Candidates that policy denied")
INTERRUPTED: Final = Counter("phoenix_dma_tasks_interrupted_total", "Tasks that lost their owner")
RECOVERED: Final = Counter(
    "phoenix_dma_tasks_recovered_total", "Interrupted tasks that are worked on again"
)
ENDED: Final = Counter("phoenix_dma_tasks_ended_total", "Tasks that ended", ["outcome"])

COUNTED: Final = {
    Type.ASSIGNMENT_DENIED: DENIED,
    Type.HANDOFF_DENIED: DENIED,
    Type.HANDOFF_COMPLETED: RECOVERED,
}
ENDS: Final = {
    Type.TASK_SUCCEEDED: "succeeded",
    Type.TASK_FAILED: "failed",
    Type.TASK_CANCELLED: "cancelled",
}


def count(drafts: Iterable[AuditDraft]) -> None:
    """Count the events of one unit."""
    for draft in drafts:
        if draft.type in COUNTED:
            COUNTED[draft.type].inc()
        if draft.type in ENDS:
            ENDED.labels(ENDS[draft.type]).inc()
        if draft.type is Type.TASK_MIGRATING and draft.previous_state != draft.new_state:
            INTERRUPTED.inc()
        if draft.type is Type.TASK_RESUMED and draft.previous_state == "migrating":
            RECOVERED.inc()
        age = draft.detail.get("standing_age_seconds")
        if draft.type is Type.ASSIGNMENT_CREATED and isinstance(age, int | float):
            ASSIGNMENT.observe(age)
