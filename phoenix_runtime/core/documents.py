"""An audit event and a directive as JSON documents: what is hashed, stored and verified.

A document holds what its canonical form needs and nothing that a wire may lose: times in UTC with
six digits, numbers that a protobuf ``Struct`` carries unchanged.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from phoenix_runtime.core.directives import Directive, DirectiveAction
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.json import Json, bytes_hash, canonical

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
LISTS = ("input_references", "output_references")
EVENT_FIELDS = tuple(field.name for field in fields(AuditEvent))
_VALUES = attrgetter(*EVENT_FIELDS)


@dataclass(frozen=True, slots=True)
class HashedEvent:
    """An event, and its content: the canonical JSON that its leaf hash is taken over.

    The content is the event's document without the leaf hash, as a text.
    """

    event: AuditEvent
    content: str

    @property
    def document(self) -> str:
        """The whole document as JSON, which is not canonical: the leaf hash stands at its end."""
        return f'{self.content[:-1]},"leaf_hash":"{self.event.leaf_hash}"}}'


def time_text(moment: datetime) -> str:
    """``moment`` in UTC, such as 2026-01-31T12:00:00.000000Z."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def time_of(text: str) -> datetime:
    """The moment of such a text; raises ValueError for another."""
    if not _TIME.fullmatch(text):
        raise ValueError(f"{text!r} is no time such as 2026-01-31T12:00:00.000000Z")
    return datetime.fromisoformat(text)


def event_document(event: AuditEvent) -> dict[str, Json]:
    """The document of ``event``, with its salt and leaf hash; `core.events.leaf` takes it."""
    return _document(dict(zip(EVENT_FIELDS, _VALUES(event), strict=True)))


def hashed_event(values: dict[str, Any]) -> HashedEvent:
    """The event of ``values``, which lack its leaf hash alone.

    Raises `core.json.NotCanonical` for what has no canonical form.
    """
    content = canonical(_document(values))
    return HashedEvent(AuditEvent(**values, leaf_hash=bytes_hash(content)), content.decode())


def with_content(event: AuditEvent) -> HashedEvent:
    """``event``, whose leaf hash may be another's, with its content; raises `NotCanonical`."""
    document = event_document(event)
    del document["leaf_hash"]
    return HashedEvent(event, canonical(document).decode())


def _document(values: Mapping[str, Any]) -> dict[str, Json]:
    document: dict[str, Json] = dict(values)
    document["timestamp"] = time_text(values["timestamp"])
    for name in LISTS:
        document[name] = list(values[name])
    return document


def event_of(document: Mapping[str, Any]) -> AuditEvent:
    """The event of a document; raises KeyError or ValueError for what is none."""
    values = {name: document[name] for name in EVENT_FIELDS}
    values["timestamp"] = time_of(document["timestamp"])
    for name in LISTS:
        values[name] = tuple(document[name])
    return AuditEvent(**values)


def directive_document(directive: Directive) -> dict[str, Json]:
    """The document of ``directive``; ``deadline`` is null where there is none."""
    return {
        "directive_id": directive.directive_id,
        "action": directive.action.value,
        "participant_id": directive.participant_id,
        "task_id": directive.task_id,
        "epoch": directive.epoch,
        "handoff_id": directive.handoff_id,
        "offer_id": directive.offer_id,
        "deadline": None if directive.deadline is None else time_text(directive.deadline),
        "facts": dict(directive.facts),
        "required_capabilities": list(directive.required_capabilities),
    }


def directive_of(document: Mapping[str, Any]) -> Directive:
    """The directive of a document; raises KeyError or ValueError for what is none."""
    values = dict(document)
    deadline = values.pop("deadline")
    values["action"] = DirectiveAction(values["action"])
    values["required_capabilities"] = tuple(values.get("required_capabilities", ()))
    return Directive(**values, deadline=None if deadline is None else time_of(deadline))
