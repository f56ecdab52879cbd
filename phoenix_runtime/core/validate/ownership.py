"""I2, I3 and I4: one owner at a time, every accepted write fenced, no checkpoint lost."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from phoenix_runtime.core.event_catalogue import CATALOGUE, Ownership, with_ownership
from phoenix_runtime.core.events import AuditEvent, AuditEventType
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.validate.audit import aggregates
from phoenix_runtime.core.validate.evidence import (
    Evidence,
    Finding,
    ObservedBinding,
    ObservedPointer,
    ObservedTask,
)

T = AuditEventType

GAINS = {
    kind: CATALOGUE[kind].epoch_field
    for kind in with_ownership(Ownership.GAINED, Ownership.RETURNED)
}
"""Events that give a task an owner, and where they name the epoch."""

LOSSES = with_ownership(Ownership.LOST, Ownership.ENDED)
"""Events after which nobody holds the task."""

WRITES = with_ownership(Ownership.WRITTEN)
"""Accepted writes of an owner; each names its epoch."""


@dataclass(slots=True)
class _Held:
    """Who holds a task at some point of its audit."""

    owner: str = ""
    epoch: int = 0
    newest: int = 0
    context: int = 0


def ownership_findings(evidence: Evidence) -> Iterator[Finding]:
    """Findings from replaying each task's events, and from bindings and pointers."""
    for (_, aggregate), events in aggregates(evidence.events).items():
        if aggregate.startswith("task/"):
            yield from _replay(aggregate, events)
    for task in evidence.tasks:
        bindings = sorted(
            (b for b in evidence.bindings if b.task_id == task.task_id), key=lambda b: b.epoch
        )
        yield from _bindings(task, bindings)
        pointers = sorted(
            (p for p in evidence.pointers if p.task_id == task.task_id), key=lambda p: p.version
        )
        yield from _pointers(task, pointers, bindings)
    if evidence.contents is not None:
        yield from _kept(evidence.pointers, evidence.contents)


def _kept(pointers: Sequence[ObservedPointer], contents: Mapping[str, str]) -> Iterator[Finding]:
    """What was acknowledged is there, and is what it was."""
    for pointer in pointers:
        found = pointer.hash if pointer.by_reference else contents.get(pointer.hash, "")
        if found != pointer.hash:
            what = f"hashes to {found}" if found else "is lost"
            text = f"the content of context {pointer.version}, {pointer.hash}, {what}"
            yield Finding("I4", f"task/{pointer.task_id}", text)


def _replay(aggregate: str, events: Sequence[AuditEvent]) -> Iterator[Finding]:
    held = _Held()
    for event in events:
        if event.type in WRITES:
            yield from _write(aggregate, event, held)
        if _is_gain(event):
            epoch = _number(event.detail.get(GAINS[AuditEventType(event.type)]))
            if epoch <= held.newest:
                text = f"epoch {epoch} after {held.newest}: an epoch was used twice"
                yield Finding("I2", aggregate, text)
            held.owner, held.epoch, held.newest = event.participant, epoch, epoch
        elif event.type in LOSSES:
            held.owner, held.epoch = "", 0


def _is_gain(event: AuditEvent) -> bool:
    """Whether somebody holds the task from this event on."""
    if event.type == T.HANDOFF_ABORTED:
        return event.previous_state != event.new_state  # else its task did not move
    return event.type in GAINS


def _write(aggregate: str, event: AuditEvent, held: _Held) -> Iterator[Finding]:
    epoch = _number(event.detail.get("epoch"))
    if (event.participant, epoch) != (held.owner, held.epoch):
        text = (
            f"{event.type} by {event.participant} under epoch {epoch} was accepted while "
            f"{held.owner or 'nobody'} held epoch {held.epoch or held.newest}"
        )
        yield Finding("I3", aggregate, text)
    if event.type == T.CONTEXT_CHECKPOINTED:
        version = _number(event.detail.get("version"))
        base = _number(event.detail.get("base_version"))
        if base != version - 1:
            text = f"version {version} was written on top of {base}: somebody's was overwritten"
            yield Finding("I4", aggregate, text)
        if version != held.context + 1:
            yield Finding("I4", aggregate, f"version {version} follows {held.context}")
        held.context = version


def _bindings(task: ObservedTask, bindings: Sequence[ObservedBinding]) -> Iterator[Finding]:
    subject = f"task/{task.task_id}"
    current = [b for b in bindings if b.ended_at is None]
    shown = [(b.participant_id, b.epoch) for b in current]
    expected = [(task.owner, task.owner_epoch)] if task.owner else []
    if shown != expected:
        yield Finding("I2", subject, f"its row is held by {expected}, its history by {shown}")
    if task.owner and task.owner_epoch != task.epoch:
        text = f"held under epoch {task.owner_epoch}, while the newest is {task.epoch}"
        yield Finding("I2", subject, text)
    if not task.owner and bindings and task.epoch <= bindings[-1].epoch:
        yield Finding("I2", subject, f"the epoch {task.epoch} of its last owner is not burnt")
    for earlier, later in itertools.pairwise(bindings):
        if earlier.ended_at is None or earlier.ended_at > later.bound_at:
            text = f"epochs {earlier.epoch} and {later.epoch} were held at the same time"
            yield Finding("I2", subject, text)


def _pointers(
    task: ObservedTask, pointers: Sequence[ObservedPointer], bindings: Sequence[ObservedBinding]
) -> Iterator[Finding]:
    subject = f"task/{task.task_id}"
    versions = [pointer.version for pointer in pointers]
    if versions != list(range(1, len(pointers) + 1)):
        yield Finding("I4", subject, f"its contexts have the versions {versions}")
    newest = (pointers[-1].version, pointers[-1].hash) if pointers else (0, "")
    if newest != (task.pointer_version, task.pointer_hash):
        shown = (task.pointer_version, task.pointer_hash)
        yield Finding("I4", subject, f"its row points at {shown}, the newest context is {newest}")
    held = {(b.participant_id, b.epoch) for b in bindings}
    for pointer in pointers:
        if (pointer.participant_id, pointer.epoch) not in held:
            text = f"context {pointer.version} was written by {pointer.participant_id}, no owner"
            yield Finding("I3", subject, text)


def _number(value: Json) -> int:
    """Numbers come back from a wire as floats."""
    return int(value) if isinstance(value, int | float) else 0
