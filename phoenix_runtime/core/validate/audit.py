"""I6, I7 and the paper's Table 5: the audit is whole, and replaying it rebuilds the tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from phoenix_runtime.core.chain import Head, faults
from phoenix_runtime.core.documents import event_document
from phoenix_runtime.core.event_catalogue import CATALOGUE
from phoenix_runtime.core.events import AuditEvent, leaf
from phoenix_runtime.core.validate.evidence import Evidence, Finding

REPLAYED = ("task/", "retirement/", "participant/", "approval/")
"""Aggregates whose rows the audit rebuilds."""


def aggregates(events: Iterable[AuditEvent]) -> dict[tuple[str, str], list[AuditEvent]]:
    """Events by (service, aggregate), in the order of their versions."""
    found: dict[tuple[str, str], list[AuditEvent]] = {}
    for event in sorted(events, key=lambda one: one.aggregate_version):
        found.setdefault((event.service, event.aggregate), []).append(event)
    return found


def audit_findings(evidence: Evidence) -> Iterator[Finding]:
    """Everything that the audit alone, or beside the tables, shows to be wrong."""
    by_aggregate = aggregates(evidence.events)
    yield from _duplicates(evidence.events)
    for (_, aggregate), events in by_aggregate.items():
        yield from _gaps(aggregate, events)
        if aggregate.startswith(REPLAYED):
            yield from _chain(aggregate, events)
        for event in events:
            yield from _content(event)
    yield from _rebuilt(evidence, by_aggregate)
    if evidence.head is not None:
        for fault in faults(evidence.links, after=Head(), until=evidence.head):
            yield Finding("I7", f"ledger sequence {fault.sequence}", fault.text)


def _duplicates(events: Sequence[AuditEvent]) -> Iterator[Finding]:
    seen: set[str] = set()
    for event in events:
        if event.event_id in seen:
            yield Finding("I6", event.event_id, "is there twice")
        seen.add(event.event_id)


def _gaps(aggregate: str, events: Sequence[AuditEvent]) -> Iterator[Finding]:
    versions = [event.aggregate_version for event in events]
    if versions != list(range(1, len(events) + 1)):
        yield Finding("I6", aggregate, f"its versions are {versions}: a gap, or one twice")


def _chain(aggregate: str, events: Sequence[AuditEvent]) -> Iterator[Finding]:
    """Each event begins where the last one ended: no transition without its event."""
    state = ""
    for event in events:
        if event.previous_state != state:
            text = f"{event.type} begins in {event.previous_state!r}, not in {state!r}"
            yield Finding("I6", aggregate, text)
        state = event.new_state


def _content(event: AuditEvent) -> Iterator[Finding]:
    if leaf(event_document(event)) != event.leaf_hash:
        yield Finding("I7", event.event_id, "its leaf hash is not that of its content")
    missing = [name for name in _required(event) if name not in event.detail]
    if missing:
        yield Finding("Table 5", event.event_id, f"{event.type} does not say {missing}")
    if _decided(event) and event.policy_decision.get("effect") != "allow":
        text = f"{event.type} rests on {event.policy_decision.get('effect') or 'no decision'}"
        yield Finding("I9", event.event_id, text)


def _required(event: AuditEvent) -> tuple[str, ...]:
    """What Table 5 asks of the event's detail."""
    entry = CATALOGUE.get(event.type)
    return entry.detail if entry is not None else ()


def _decided(event: AuditEvent) -> bool:
    """Whether the event happens only with an allowing decision."""
    entry = CATALOGUE.get(event.type)
    return entry is not None and entry.decided


def _rebuilt(
    evidence: Evidence, by_aggregate: Mapping[tuple[str, str], Sequence[AuditEvent]]
) -> Iterator[Finding]:
    """Replaying the audit rebuilds status and version of every row, and knows no other row."""
    rows = [
        *((f"task/{t.task_id}", t.status, t.version) for t in evidence.tasks),
        *((f"retirement/{r.retirement_id}", r.status, r.version) for r in evidence.retirements),
        *((f"participant/{p.participant_id}", p.status, p.version) for p in evidence.participants),
        *((f"approval/{a.approval_id}", a.status, a.version) for a in evidence.approvals),
    ]
    ends = {name: events[-1] for (_, name), events in by_aggregate.items()}
    for name, status, version in rows:
        last = ends.pop(name, None)
        if last is None:
            yield Finding("I6", name, "has a row and no event")
        elif (last.new_state, last.aggregate_version) != (status, version):
            text = (
                f"its row is {status} at version {version}; "
                f"the audit says {last.new_state} at {last.aggregate_version}"
            )
            yield Finding("I6", name, text)
    kinds = {name.partition("/")[0] for name, _, _ in rows}
    for name in ends:
        if name.startswith(REPLAYED) and name.partition("/")[0] in kinds:
            yield Finding("I6", name, "has events and no row")
