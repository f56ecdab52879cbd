"""Converts between messages about the ledger and its values; events are in `convert_events`."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final

from governance_svc.api.convert_events import event_from_pb, event_to_pb
from governance_svc.api.event_documents import event_from_document
from governance_svc.domain.ledger.entries import Appended, AuditFilter, Entry, SentEvents
from phoenix_dma.v1 import audit_pb2
from phoenix_runtime.chassis.rpc.conversions import time_from_pb
from phoenix_runtime.chassis.rpc.pages import page_to_pb
from phoenix_runtime.core.documents import HashedEvent, with_content
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.events import AuditEventType
from phoenix_runtime.core.ids import NO_ID, is_identifier
from phoenix_runtime.core.json import NotCanonical
from phoenix_runtime.core.pages import Page

YIELD_AFTER: Final = 32
"""Events converted between two turns of the event loop: no decision waits for a large request."""
FILTERS: Final = ("participant", "task", "policy_decision", "handoff")
"""The filters by an id whose field name does not end in ``_id``."""
KNOWN_TYPES: Final = frozenset(AuditEventType)


async def events_from_pb(request: audit_pb2.AppendAuditEventsRequest) -> SentEvents:
    """The events that a service sends; other work gets turns of the event loop in between.

    Raises `FieldInvalid` and `TooLarge` for what is no event.
    """
    if request.events and request.documents:
        raise FieldInvalid([Violation("documents", "are not given beside events")])
    if not request.events and not request.documents:
        raise FieldInvalid([Violation("events", "are required, or documents")])
    converted: list[HashedEvent] = []
    for hashed in _each(request):
        converted.append(hashed)
        if len(converted) % YIELD_AFTER == 0:
            await asyncio.sleep(0)
    return SentEvents("documents" if request.documents else "events", converted)


def _each(request: audit_pb2.AppendAuditEventsRequest) -> Iterator[HashedEvent]:
    for index, document in enumerate(request.documents):
        yield event_from_document(document, f"documents[{index}]")
    for index, message in enumerate(request.events):
        yield _event_from_message(message, f"events[{index}]")


def _event_from_message(message: audit_pb2.AuditEvent, field: str) -> HashedEvent:
    try:
        return with_content(event_from_pb(message))
    except NotCanonical as error:
        raise FieldInvalid([Violation(f"{field}.leaf_hash", str(error))]) from error


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
