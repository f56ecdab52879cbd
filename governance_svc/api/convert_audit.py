"""Converts between audit messages and the ledger's values."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Final

from governance_svc.domain.ledger.entries import Appended, AuditFilter, Entry
from phoenix_dma.v1 import audit_pb2
from phoenix_runtime.chassis.delivery.receivers import event_to_pb
from phoenix_runtime.chassis.rpc.conversions import time_from_pb
from phoenix_runtime.chassis.rpc.pages import page_to_pb
from phoenix_runtime.chassis.rpc.structs import struct_to_json
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.events import AuditEvent, AuditEventType
from phoenix_runtime.core.ids import NO_ID, is_identifier
from phoenix_runtime.core.pages import Page

YIELD_AFTER: Final = 64
"""Events converted between two turns of the event loop."""
FILTERS: Final = ("participant", "task", "policy_decision", "handoff")
"""The filters by an id whose field name does not end in ``_id``."""
KNOWN_TYPES: Final = frozenset(AuditEventType)


async def events_from_pb(events: Sequence[audit_pb2.AuditEvent]) -> list[AuditEvent]:
    """The events that a service sends; other work gets turns of the event loop in between."""
    converted: list[AuditEvent] = []
    for event in events:
        converted.append(event_from_pb(event))
        if len(converted) % YIELD_AFTER == 0:
            await asyncio.sleep(0)
    return converted


def event_from_pb(event: audit_pb2.AuditEvent) -> AuditEvent:
    """The event that a service sends; raises `FieldInvalid` where its timestamp is not a time."""
    try:
        timestamp = event.timestamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise FieldInvalid([Violation("events.timestamp", "is not a time")]) from error
    return AuditEvent(
        event_id=event.event_id,
        timestamp=timestamp,
        actor=event.actor,
        participant=event.participant,
        task=event.task,
        policy_decision=struct_to_json(event.policy_decision, "events.policy_decision"),
        input_references=tuple(event.input_references),
        output_references=tuple(event.output_references),
        reason_code=event.reason_code,
        previous_state=event.previous_state,
        new_state=event.new_state,
        correlation_id=event.correlation_id,
        tenant=event.tenant,
        type=event.type,
        event_version=event.event_version,
        service=event.service,
        aggregate=event.aggregate,
        aggregate_version=event.aggregate_version,
        caused_by=event.caused_by,
        on_behalf_of=event.on_behalf_of,
        handoff=event.handoff,
        detail=struct_to_json(event.detail, "events.detail"),
        request_id=event.request_id,
        salt=event.salt,
        leaf_hash=event.leaf_hash,
    )


def appended_to_pb(appended: Appended) -> audit_pb2.AppendAuditEventsResponse:
    """The result of an append."""
    return audit_pb2.AppendAuditEventsResponse(
        appended=appended.appended, last_sequence=appended.last_sequence
    )


def filter_from_pb(request: audit_pb2.ListAuditEventsRequest) -> AuditFilter:
    """The filter; types in any case, repeated or comma-separated. Raises `FieldInvalid`."""
    named = [name.strip().upper() for text in request.type for name in text.split(",")]
    violations = list(_violations(request, named))
    if violations:
        raise FieldInvalid(violations)
    return AuditFilter(
        participant=request.participant,
        task=request.task,
        types=tuple(dict.fromkeys(name for name in named if name)),
        policy_decision=request.policy_decision,
        handoff=request.handoff,
        correlation_id=request.correlation_id,
        since=time_from_pb(request, "since"),
        until=time_from_pb(request, "until"),
        newest_first=request.newest_first,
        after_sequence=request.after_sequence,
    )


def _violations(
    request: audit_pb2.ListAuditEventsRequest, types: Sequence[str]
) -> Iterator[Violation]:
    """A filter that can never match is refused as a mistake."""
    for field in FILTERS:
        value: str = getattr(request, field)
        if value and not is_identifier(value):
            yield Violation(field, NO_ID)
    if request.after_sequence < 0:
        yield Violation("after_sequence", "is not negative")
    if any(name and name not in KNOWN_TYPES for name in types):
        yield Violation("type", "is not a type of event; docs/events.md lists them")


def entries_to_pb(page: Page[Entry]) -> audit_pb2.ListAuditEventsResponse:
    """A page of the ledger."""
    made, token = page_to_pb(page, entry_to_pb)
    return audit_pb2.ListAuditEventsResponse(
        events=made, next_page_token=token, total_size=page.total
    )


def lineage_to_pb(page: Page[Entry]) -> audit_pb2.GetLineageResponse:
    """A page of a lineage."""
    made, token = page_to_pb(page, entry_to_pb)
    return audit_pb2.GetLineageResponse(events=made, next_page_token=token)


def entry_to_pb(entry: Entry) -> audit_pb2.AuditEvent:
    """An event with its place in the ledger."""
    message = event_to_pb(entry.event)
    message.sequence = entry.sequence
    message.chain_hash = entry.chain_hash
    return message
