"""Reads events that services send as documents: as strictly as their messages are checked.

A document is hashed, kept and shown as it stands, so it has one form alone: canonical JSON, of
exactly the fields of an event. What is shown of it is a message, so it is nothing that none holds.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from google.protobuf.message import DecodeError, EncodeError

from governance_svc.api.convert_events import event_to_pb
from phoenix_dma.v1 import audit_pb2
from phoenix_dma.wire.sizes import MESSAGE_BYTES
from phoenix_runtime.chassis.rpc.validation import LAST_SECOND
from phoenix_runtime.core.characters import NUL, nul_in
from phoenix_runtime.core.documents import EVENT_FIELDS, LISTS, HashedEvent, event_of
from phoenix_runtime.core.errors import FieldInvalid, TooLarge, Violation
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.json import NotCanonical, parsed_canonical

NAMES: Final = tuple(sorted(set(EVENT_FIELDS) - {"leaf_hash"}))
"""The fields of a document, in the order of canonical JSON."""
KINDS: Final[Mapping[str, type]] = {
    "event_version": int,
    "aggregate_version": int,
    "policy_decision": dict,
    "detail": dict,
    **dict.fromkeys(LISTS, list),
}
"""The types of the fields that are no texts."""
TYPES: Final = tuple(KINDS.get(name, str) for name in NAMES)
SAID: Final = {str: "text", int: "whole number", dict: "object", list: "array"}
TEXTS: Final = tuple(name for name in NAMES if name not in KINDS)
INT32: Final = 1 << 31
NO_TIME: Final = "is no time such as 2026-01-31T12:00:00.000000Z, of the years 1 to 9999"
TOO_LATE: Final = datetime.fromtimestamp(LAST_SECOND + 1, UTC)
LEVELS: Final = 32
"""Objects inside one another that a message certainly holds."""
SMALL: Final = MESSAGE_BYTES // 6
"""Characters of a document that is certainly no larger than a message: a digit of a list has two
bytes in JSON, and eleven in a Struct."""
LARGEST: Final = MESSAGE_BYTES - 1024
"""Bytes of an event's message: beside it an answer holds its place in the chain."""


def event_from_document(document: audit_pb2.EventDocument, field: str) -> HashedEvent:
    """The event of ``document``, which is the request's ``field``; its hash is not compared yet.

    Raises `FieldInvalid` with all that is wrong, and `TooLarge`.
    """
    content = document.content
    try:
        value = parsed_canonical(content)
    except NotCanonical as error:
        raise FieldInvalid(
            [Violation(f"{field}.content", f"is not canonical JSON: {error}")]
        ) from error
    violations = [
        Violation(f"{field}.content{one.field}", one.text) for one in _violations(value, content)
    ]
    if violations:
        raise FieldInvalid(violations)
    try:
        event = event_of({**value, "leaf_hash": document.leaf_hash})
    except ValueError as error:
        raise FieldInvalid([Violation(f"{field}.content.timestamp", NO_TIME)]) from error
    if event.timestamp >= TOO_LATE:
        raise FieldInvalid([Violation(f"{field}.content.timestamp", NO_TIME)])
    if len(content) > SMALL or _deep(value, content):
        _fit_a_message(event, f"{field}.content")
    return HashedEvent(event, content)


def _violations(value: Any, content: str) -> Iterator[Violation]:
    """What keeps a JSON value from being an event."""
    if type(value) is not dict or tuple(value) != NAMES:
        yield from _misnamed(value)
    elif tuple(map(type, value.values())) != TYPES:
        for name, kind in zip(NAMES, TYPES, strict=True):
            if type(value[name]) is not kind:
                yield Violation(f".{name}", f"is no {SAID[kind]}")
    else:
        yield from _unsound(value, content)


def _misnamed(value: Any) -> Iterator[Violation]:
    if not isinstance(value, dict):
        yield Violation("", "is no object")
        return
    for name in NAMES:
        if name not in value:
            yield Violation(f".{name}", "is missing")
    if value.keys() - set(NAMES):
        yield Violation("", "has a field that no event has")


def _unsound(value: Mapping[str, Any], content: str) -> Iterator[Violation]:
    for name in LISTS:
        if any(type(one) is not str for one in value[name]):
            yield Violation(f".{name}", "holds what is no text")
    if "\\u0000" in content:
        yield from _with_nul(value)
    if not -INT32 <= value["event_version"] < INT32:
        yield Violation(".event_version", "has more than 32 bits")


def _with_nul(value: Mapping[str, Any]) -> Iterator[Violation]:
    """As for messages: of the event's own texts, since what its objects hold stays escaped."""
    for name in TEXTS:
        if NUL in value[name]:
            yield Violation(f".{name}", nul_in(value[name]))
    for name in LISTS:
        for index, text in enumerate(value[name]):
            if type(text) is str and NUL in text:
                yield Violation(f".{name}[{index}]", nul_in(text))


def _deep(value: Any, content: str) -> bool:
    """Whether more than `LEVELS` objects and arrays of a document stand inside one another."""
    if content.count("{") + content.count("[") <= LEVELS:
        return False
    inside = [value]
    for _ in range(LEVELS):
        inside = [
            part
            for one in inside
            for part in (one.values() if type(one) is dict else one)
            if type(part) is dict or type(part) is list
        ]
    return bool(inside)


def _fit_a_message(event: AuditEvent, field: str) -> None:
    """Raise `TooLarge` or `FieldInvalid` where no answer could hold ``event``."""
    try:
        answer = audit_pb2.ListAuditEventsResponse(events=[event_to_pb(event)])
        text = answer.SerializeToString()
        audit_pb2.ListAuditEventsResponse.FromString(text)
    except (DecodeError, EncodeError, RecursionError) as error:
        raise FieldInvalid([Violation(field, "is nested too deeply for a message")]) from error
    if len(text) > LARGEST:
        raise TooLarge("event", size=len(text), limit=LARGEST)
