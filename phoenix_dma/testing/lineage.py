"""Compares the audit events of a task with what a test expects of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from types import EllipsisType
from typing import Final

from phoenix_dma.v1 import audit_pb2

Expected = str | tuple[str, str] | EllipsisType
"""An event's type, or type and participant; ``...`` stands for any number of events."""

GIVEN: Final = "  "
MISSING: Final = "- "
UNEXPECTED: Final = "+ "
SKIPPED: Final = "… "


def relevant(
    task_id: str, events: Iterable[audit_pb2.AuditEvent], expected: Sequence[Expected]
) -> list[audit_pb2.AuditEvent]:
    """The task's own events, and those about it (approvals, children) whose types are expected."""
    named = {type_of(one) for one in expected if not isinstance(one, EllipsisType)}
    return [one for one in events if one.aggregate == f"task/{task_id}" or one.type in named]


def matches(expected: Sequence[Expected], events: Sequence[audit_pb2.AuditEvent]) -> bool:
    """Whether the events are the expected ones, in their order, and no others."""
    if not expected:
        return not events
    first, rest = expected[0], expected[1:]
    if isinstance(first, EllipsisType):
        return any(matches(rest, events[skipped:]) for skipped in range(len(events) + 1))
    return bool(events) and _is(first, events[0]) and matches(rest, events[1:])


def difference(expected: Sequence[Expected], events: Sequence[audit_pb2.AuditEvent]) -> str:
    """One line an event: given, ``-`` missing, ``+`` unexpected, ``…`` skipped on purpose."""
    wanted: list[str | tuple[str, str]] = []
    open_before: set[int] = set()
    for one in expected:
        if isinstance(one, EllipsisType):
            open_before.add(len(wanted))
        else:
            wanted.append(one)
    return "\n".join(_lines(wanted, open_before, events))


def type_of(expected: str | tuple[str, str]) -> str:
    """The event's type."""
    return expected if isinstance(expected, str) else expected[0]


def _lines(
    wanted: Sequence[str | tuple[str, str]],
    open_before: set[int],
    events: Sequence[audit_pb2.AuditEvent],
) -> Iterator[str]:
    matcher = SequenceMatcher(
        None, [type_of(one) for one in wanted], [one.type for one in events], autojunk=False
    )
    for _, first, last, begin, end in matcher.get_opcodes():
        found = list(events[begin:end])
        for one in wanted[first:last]:
            event = found.pop(0) if found and type_of(one) == found[0].type else None
            if event is not None and _is(one, event):
                yield GIVEN + _said(event)
                continue
            yield MISSING + (one if isinstance(one, str) else "  ".join(one))
            if event is not None:
                yield UNEXPECTED + _said(event)
        skipped = bool(open_before & set(range(first, last + 1)))
        for event in found:
            yield (SKIPPED if skipped else UNEXPECTED) + _said(event)


def _is(expected: str | tuple[str, str], event: audit_pb2.AuditEvent) -> bool:
    if isinstance(expected, str):
        return event.type == expected
    return (event.type, event.participant) == expected


def _said(event: audit_pb2.AuditEvent) -> str:
    return "  ".join(part for part in (event.type, event.participant) if part)
