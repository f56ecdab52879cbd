"""I6: what met a task's obligations stands in its events as in its row."""

from collections.abc import Iterator, Sequence

from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.validate.audit import aggregates
from phoenix_runtime.core.validate.evidence import Evidence, Finding


def obligation_findings(evidence: Evidence) -> Iterator[Finding]:
    """Findings from each task's row and the events that say what they met, and by what."""
    said = {
        aggregate: _said(events) for (_, aggregate), events in aggregates(evidence.events).items()
    }
    for task in evidence.tasks:
        aggregate = f"task/{task.task_id}"
        kept = {tuple(one) for one in task.met}
        for identity, by, event_id in sorted(kept ^ said.get(aggregate, set())):
            where = "its row" if (identity, by, event_id) in kept else "the audit"
            text = f"{where} alone says that {identity} was met by {by} in {event_id}"
            yield Finding("I6", aggregate, text)


def _said(events: Sequence[AuditEvent]) -> set[tuple[str, ...]]:
    """Id, evidence and event of each obligation that ``events`` say was met."""
    found: set[tuple[str, ...]] = set()
    for event in events:
        met = event.detail.get("obligations_met")
        for one in met if isinstance(met, list | tuple) else ():
            if isinstance(one, dict):
                found.add((str(one.get("id")), str(one.get("evidence")), event.event_id))
    return found
