"""I17: an effect is begun once, again only where that was allowed, and never after it was done."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from phoenix_runtime.core.events import AuditEvent, AuditEventType
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.validate.audit import aggregates
from phoenix_runtime.core.validate.evidence import Evidence, Finding

BEGUN, UNKNOWN, DONE = "begun", "unknown", "done"
READS = "data_read"
"""The kind of action that changes nothing, so may be repeated."""


@dataclass(slots=True)
class _Effect:
    """An effect at some point of its task's audit."""

    status: str = ""
    begun: int = 0
    epoch: int = 0
    kind: str = ""


def effect_findings(evidence: Evidence) -> Iterator[Finding]:
    """Findings from replaying each task's events about effects, and from their rows."""
    said: dict[str, _Effect] = {}
    for (_, aggregate), events in aggregates(evidence.events).items():
        if aggregate.startswith("task/"):
            yield from _replay(events, said)
    rows = {row.authorization_id: row for row in evidence.effects}
    for name in sorted(said.keys() | rows.keys()):
        row, told = rows.get(name), said.get(name)
        if row is None or told is None:
            where = "an event and no row" if row is None else "a row and no event"
            yield Finding("I17", f"effect/{name}", f"has {where}")
        elif (row.status, row.begun) != (told.status, told.begun):
            text = (
                f"its row is {row.status}, begun {row.begun} times; "
                f"the audit says {told.status}, {told.begun} times"
            )
            yield Finding("I17", f"effect/{name}", text)


def _replay(events: Sequence[AuditEvent], said: dict[str, _Effect]) -> Iterator[Finding]:
    for event in events:
        name = str(event.detail.get("authorization_id"))
        if event.type == AuditEventType.EFFECT_BEGUN:
            yield from _beginning(name, event, said.setdefault(name, _Effect()))
        elif event.type == AuditEventType.EFFECT_RECORDED:
            yield from _recording(name, event, said.setdefault(name, _Effect()))


def _beginning(name: str, event: AuditEvent, effect: _Effect) -> Iterator[Finding]:
    subject, epoch = f"effect/{name}", _number(event.detail.get("epoch"))
    if effect.status == DONE:
        yield Finding("I17", subject, "was begun after it was done")
    if effect.status == BEGUN and effect.epoch == epoch:
        yield Finding("I17", subject, f"was begun twice under epoch {epoch}")
    kind = str(event.detail.get("kind"))
    if effect.kind not in {"", kind}:
        yield Finding("I17", subject, f"was begun as {effect.kind}, and again as {kind}")
    if effect.status in {BEGUN, UNKNOWN} and not _asked_again(event):
        yield Finding("I17", subject, "was repeated by the leave that its first beginning had")
    effect.status, effect.begun, effect.epoch, effect.kind = BEGUN, effect.begun + 1, epoch, kind
    if _number(event.detail.get("begun")) != effect.begun:
        text = f"was begun {effect.begun} times; the event counts {event.detail.get('begun')}"
        yield Finding("I17", subject, text)


def _asked_again(event: AuditEvent) -> bool:
    """Whether the repetition was asked about as such, or does nothing twice."""
    if event.detail.get("idempotent") is True or event.detail.get("kind") == READS:
        return True
    return event.detail.get("asked_hash") != event.detail.get("subject_hash")


def _recording(name: str, event: AuditEvent, effect: _Effect) -> Iterator[Finding]:
    subject = f"effect/{name}"
    if not effect.begun:
        yield Finding("I17", subject, "has an outcome and was never begun")
    if effect.status == DONE:
        yield Finding("I17", subject, "has another outcome after it was done")
    effect.status = str(event.detail.get("status"))


def _number(value: Json) -> int:
    """Numbers come back from a wire as floats."""
    return int(value) if isinstance(value, int | float) else 0
