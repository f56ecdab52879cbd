"""Bus events: which audit events are published, and their form as CloudEvents (section 6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import orjson

from phoenix_runtime.core.event_catalogue import BY_STATE, ENTRIES
from phoenix_runtime.core.events import AuditEvent

BUS_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {entry.type.value: entry.published for entry in ENTRIES if entry.published}
)
"""The bus event (paper, section 6) of each audit event that is published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusEvent:
    """One bus event. ``type`` is its name in the paper, ``state`` the new state where there is one.

    ``facts`` are few and small, and hold nothing secret.
    """

    tenant: str
    type: str
    event_id: str
    time: datetime
    service: str
    aggregate: str = ""
    aggregate_version: int = 0
    audit_type: str = ""
    participant: str = ""
    task: str = ""
    handoff: str = ""
    state: str = ""
    reason_code: str = ""
    correlation_id: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


IN_ATTRIBUTES: Final = frozenset({"tenant", "type", "event_id", "time", "service"})
DATA_FIELDS: Final = tuple(f.name for f in fields(BusEvent) if f.name not in IN_ATTRIBUTES)
TYPE_PREFIX: Final = "phoenix_dma."
SOURCE_PREFIX: Final = "/phoenix-dma/"


def bus_event_of(event: AuditEvent) -> BusEvent | None:
    """The bus event of ``event``; None where it is not published."""
    kind = BUS_TYPES.get(event.type)
    if kind is None:
        return None
    if kind == BY_STATE:
        kind = event.new_state.upper()
    return BusEvent(
        tenant=event.tenant,
        type=kind,
        event_id=event.event_id,
        time=event.timestamp,
        service=event.service,
        aggregate=event.aggregate,
        aggregate_version=event.aggregate_version,
        audit_type=event.type,
        participant=event.participant,
        task=event.task,
        handoff=event.handoff,
        state=event.new_state,
        reason_code=event.reason_code,
        correlation_id=event.correlation_id,
    )


def encode(bus_event: BusEvent) -> bytes:
    """``bus_event`` as CloudEvents 1.0 JSON."""
    data = {name: getattr(bus_event, name) for name in DATA_FIELDS}
    data["facts"] = dict(bus_event.facts)
    attributes = {
        "specversion": "1.0",
        "id": bus_event.event_id,
        "source": SOURCE_PREFIX + bus_event.service,
        "type": TYPE_PREFIX + bus_event.type,
        "subject": bus_event.aggregate or f"participant/{bus_event.participant}",
        "time": bus_event.time.isoformat(),
        "tenant": bus_event.tenant,
        "datacontenttype": "application/json",
        "data": data,
    }
    return orjson.dumps(attributes)


def decode(raw: bytes) -> BusEvent:
    """The bus event in a CloudEvents document; raises ValueError or KeyError for another."""
    document = orjson.loads(raw)
    data = document["data"]
    return BusEvent(
        tenant=document["tenant"],
        type=document["type"].removeprefix(TYPE_PREFIX),
        event_id=document["id"],
        time=datetime.fromisoformat(document["time"]),
        service=document["source"].removeprefix(SOURCE_PREFIX),
        **{name: data[name] for name in DATA_FIELDS},
    )
