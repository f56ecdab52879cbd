"""I5 and I8: seats, gates, handoffs, retirements."""

from collections import Counter
from collections.abc import Iterator

from phoenix_runtime.core.durations import FRESH_SECONDS
from phoenix_runtime.core.events import AuditEvent, AuditEventType
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.validate.evidence import Evidence, Finding, ObservedHandoff, ObservedTask
from phoenix_runtime.core.wire import counted

ENDED = frozenset({"succeeded", "failed", "cancelled"})
OPEN_HANDOFF = frozenset({"initiated", "awaiting_approval", "offered"})
ACQUIRED = frozenset({"assign", "rebind", "abort_handoff"})
"""How somebody gets a task that it does not hold; a resumed one was held, or a bind that its event
shows."""


def membership_findings(evidence: Evidence) -> Iterator[Finding]:
    """Findings about who holds seats, and about handoffs and retirements as a whole."""
    yield from _seats(evidence)
    yield from _tasks(evidence)
    tasks = {task.task_id: task for task in evidence.tasks}
    for handoff in evidence.handoffs:
        yield from _handoff(handoff, tasks.get(handoff.task_id))
    yield from _retirements(evidence)
    for event in evidence.events:
        yield from _bind(event)


def _seats(evidence: Evidence) -> Iterator[Finding]:
    """``used`` is the number of seats: tasks held, living sources, offers that stand."""
    seats: Counter[str] = Counter(task.owner for task in evidence.tasks if task.owner)
    for handoff in evidence.handoffs:
        if handoff.status in OPEN_HANDOFF and handoff.source_seated:
            seats[handoff.source] += 1
        if handoff.status == "offered":
            seats[handoff.offered_to] += 1
    gates = {gate.participant_id: gate.used for gate in evidence.gates}
    for name in sorted({*gates, *seats}):
        if gates.get(name, 0) != seats[name]:
            text = f"its gate counts {counted(gates.get(name, 0), 'seat')}, the tasks {seats[name]}"
            yield Finding("I8", f"gate/{name}", text)


def _tasks(evidence: Evidence) -> Iterator[Finding]:
    open_handoffs: dict[str, list[ObservedHandoff]] = {}
    for handoff in evidence.handoffs:
        if handoff.status in OPEN_HANDOFF:
            open_handoffs.setdefault(handoff.task_id, []).append(handoff)
    for task in evidence.tasks:
        yield from _task(task, open_handoffs.get(task.task_id, []))


def _task(task: ObservedTask, handoffs: list[ObservedHandoff]) -> Iterator[Finding]:
    subject = f"task/{task.task_id}"
    shown = [handoff.handoff_id for handoff in handoffs]
    if shown != ([task.handoff_id] if task.handoff_id else []):
        yield Finding("I5", subject, f"its row names {task.handoff_id!r}, open are {shown}")
    owned = task.status in {"assigned", "active"}
    if owned != bool(task.owner) and task.status != "awaiting_approval":
        yield Finding("I2", subject, f"it is {task.status} and held by {task.owner or 'nobody'}")
    if (task.status == "awaiting_approval") != bool(task.parked_action):
        yield Finding("I13", subject, f"it is {task.status} and waits for {task.parked_action!r}")
    if task.status == "migrating" and not handoffs:
        yield Finding("I5", subject, "it is migrating without a handoff")
    if task.status in ENDED and (handoffs or task.owner):
        yield Finding("I5", subject, "it has ended and is still held, or on its way")
    for handoff in handoffs:
        if task.status != "migrating" and (handoff.source_gone or handoff.status == "offered"):
            text = f"it is {task.status} while {handoff.handoff_id} has fenced its source"
            yield Finding("I5", subject, text)


def _handoff(handoff: ObservedHandoff, task: ObservedTask | None) -> Iterator[Finding]:
    subject = f"handoff/{handoff.handoff_id}"
    if handoff.source_seated and handoff.source_gone:
        yield Finding("I5", subject, "its source is gone and keeps a seat")
    if (handoff.status == "offered") != bool(handoff.offered_hash):
        yield Finding("I5", subject, f"it is {handoff.status} and its offer says otherwise")
    if handoff.status != "completed":
        return
    if not handoff.target or not handoff.received_hash:
        yield Finding("I5", subject, "it is completed without target or received hash")
    if handoff.target == handoff.source and not _came_back(handoff, task):
        yield Finding("I5", subject, "its target is its source")
    if handoff.target_epoch <= handoff.source_epoch:
        yield Finding("I5", subject, "its target's epoch is not newer than its source's")


def _came_back(handoff: ObservedHandoff, task: ObservedTask | None) -> bool:
    """Whether the source was lost, and the task had to wait for it: its next loss is its last."""
    if task is None or not handoff.source_gone:
        return False
    return task.losses > 0 and 0 < task.max_losses <= task.losses + 1


def _retirements(evidence: Evidence) -> Iterator[Finding]:
    gates = {gate.participant_id: gate for gate in evidence.gates}
    finished = {r.participant_id for r in evidence.retirements if r.status == "finished"}
    for retirement in evidence.retirements:
        who, subject = retirement.participant_id, f"retirement/{retirement.retirement_id}"
        gate = gates.get(who)
        if gate is None or gate.retirement_id != retirement.retirement_id:
            yield Finding("I8", subject, f"the gate of {who} does not carry its mark")
        if retirement.status == "finished" and gate is not None and gate.used:
            yield Finding(
                "I8", subject, f"it is finished and {who} still has {counted(gate.used, 'seat')}"
            )
        for binding in evidence.bindings:
            late = binding.bound_at > retirement.created_at and binding.gained_by in ACQUIRED
            if binding.participant_id == who and late:
                text = f"{binding.task_id} was bound to {who} after its gate had closed"
                yield Finding("I8", subject, text)
    for participant in evidence.participants:
        retired = participant.status == "retired"
        if retired and participant.participant_id not in finished and evidence.retirements:
            text = "the registry shows it retired; its retirement is not finished"
            yield Finding("I8", f"participant/{participant.participant_id}", text)


def _bind(event: AuditEvent) -> Iterator[Finding]:
    """Assignable at commit: fresh standing, fresh decision, a seat that was free."""
    if event.type not in {AuditEventType.ASSIGNMENT_CREATED, AuditEventType.HANDOFF_COMPLETED}:
        return
    for name in ("standing_age_seconds", "decision_age_seconds"):
        age = event.detail.get(name)
        if not isinstance(age, int | float) or age > FRESH_SECONDS:
            yield Finding("I5", event.event_id, f"{event.type}: {name} is {age}")
    gate = event.detail.get("gate")
    if isinstance(gate, dict) and _count(gate.get("used")) > _count(gate.get("capacity")):
        text = f"{event.participant} was raised to {gate['used']} of {gate['capacity']} seats"
        yield Finding("I8", event.event_id, text)


def _count(value: Json) -> int:
    return int(value) if isinstance(value, int | float) else 0
