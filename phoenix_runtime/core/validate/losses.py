"""I16: every lost owner of an active task is counted, and the last one ends the task."""

from collections.abc import Iterator, Sequence
from typing import Final

from phoenix_runtime.core.events import OWNER_LOST, AuditEvent, AuditEventType, ReasonCode
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.validate.audit import aggregates
from phoenix_runtime.core.validate.evidence import Evidence, Finding, ObservedTask

T = AuditEventType

TAKEN: Final = frozenset({T.TASK_MIGRATING, T.TASK_RESUMED})
"""Events that take an active task away from an owner, perhaps a lost one, and go on."""


def loss_findings(evidence: Evidence) -> Iterator[Finding]:
    """Findings from each task's events, and from its row beside them."""
    rows = {f"task/{task.task_id}": task for task in evidence.tasks}
    for (_, aggregate), events in aggregates(evidence.events).items():
        if aggregate.startswith("task/"):
            yield from _counted(aggregate, events, rows.get(aggregate))


def _counted(
    aggregate: str, events: Sequence[AuditEvent], row: ObservedTask | None
) -> Iterator[Finding]:
    losses = 0
    for event in events:
        if "losses" not in event.detail:
            if "max_losses" in events[0].detail and _is_loss(event):
                yield Finding("I16", aggregate, f"{event.type} lost an owner and counts no loss")
            continue
        losses += 1
        counted, most = _number(event, "losses"), _number(event, "max_losses")
        if counted != losses:
            yield Finding("I16", aggregate, f"{event.type} counts loss {counted}, it is {losses}")
        ended = event.type == T.TASK_FAILED and event.reason_code == ReasonCode.OWNERS_LOST
        if ended != (0 < most <= losses):
            text = f"{event.type} is loss {losses} of at most {most or 'any number'}"
            yield Finding("I16", aggregate, text)
    if row is not None and row.losses != losses:
        yield Finding(
            "I16", aggregate, f"its row counts losses to {row.losses}, the audit to {losses}"
        )


def _is_loss(event: AuditEvent) -> bool:
    """Whether the event takes an active task away from an owner that was lost."""
    return (
        event.type in TAKEN and event.previous_state == "active" and event.reason_code in OWNER_LOST
    )


def _number(event: AuditEvent, name: str) -> int:
    value: Json = event.detail.get(name)
    return int(value) if isinstance(value, int | float) else 0
