"""Appending to the ledger over gRPC: events as messages and as documents, with the same meaning."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from governance_svc.api.convert_events import event_to_pb
from phoenix_dma.v1 import audit_pb2
from phoenix_runtime.chassis.delivery.receivers import document_to_pb
from phoenix_runtime.core.documents import with_content
from phoenix_runtime.core.errors import FieldInvalid, NotPermitted
from phoenix_runtime.core.events import AuditEvent
from tests.integration.governance.conftest import Governance
from tests.support.builders.audit_events import audit_event

pytestmark = pytest.mark.asyncio(loop_scope="module")


def as_messages(*events: AuditEvent) -> audit_pb2.AppendAuditEventsRequest:
    return audit_pb2.AppendAuditEventsRequest(events=map(event_to_pb, events))


def as_documents(*events: AuditEvent) -> audit_pb2.AppendAuditEventsRequest:
    documents = [document_to_pb(with_content(event)) for event in events]
    return audit_pb2.AppendAuditEventsRequest(documents=documents)


Form = Callable[..., audit_pb2.AppendAuditEventsRequest]
both_forms = pytest.mark.parametrize("form", [as_messages, as_documents])


async def appended(governance: Governance, request: audit_pb2.AppendAuditEventsRequest) -> int:
    answer = await governance.as_service(governance.audit.AppendAuditEvents, request)
    count: int = answer.appended
    return count


@both_forms
async def test_an_event_that_was_changed_on_its_way_is_refused(
    governance: Governance, form: Form
) -> None:
    forged = replace(audit_event(governance.tenant), actor="forger")
    with pytest.raises(FieldInvalid, match=r"\[1\].leaf_hash"):
        await appended(governance, form(audit_event(governance.tenant), forged))


@both_forms
async def test_a_service_writes_only_its_own_audit_in_its_own_tenant(
    governance: Governance, form: Form
) -> None:
    with pytest.raises(FieldInvalid, match=r"\[0\].service"):
        await appended(governance, form(audit_event(governance.tenant, service="registry")))
    with pytest.raises(FieldInvalid, match=r"\[0\].tenant"):
        await appended(governance, form(audit_event("other")))


@both_forms
@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"event_id": "a\0"}, "event_id"),
        ({"type": ""}, "event_id"),
        ({"aggregate": ""}, "event_id"),
        ({"aggregate_version": 0}, "aggregate_version"),
        ({"input_references": ("\0",)}, r"input_references\[0\]"),
        ({"timestamp": datetime(9999, 12, 31, tzinfo=UTC)}, "timestamp"),
    ],
)
async def test_what_is_no_event_is_refused(
    governance: Governance, form: Form, fields: dict[str, Any], where: str
) -> None:
    with pytest.raises(FieldInvalid, match=where):
        await appended(governance, form(audit_event(governance.tenant, **fields)))


@both_forms
async def test_at_most_a_thousand_events_are_taken(governance: Governance, form: Form) -> None:
    events = [audit_event(governance.tenant) for _ in range(1001)]
    with pytest.raises(FieldInvalid, match="at most 1000"):
        await appended(governance, form(*events))


async def test_a_message_and_a_document_of_an_event_are_the_same_event(
    governance: Governance,
) -> None:
    """By content, hash and place: whichever comes second is a repetition."""
    detail = {"n": 3, "share": 0.25, "large": 2.0**60, "ä": ["\0", None, {}]}
    first, second = (audit_event(governance.tenant, task="t", detail=detail) for _ in range(2))
    assert await appended(governance, as_messages(first)) == 1
    assert await appended(governance, as_documents(first, second)) == 1
    assert await appended(governance, as_messages(second)) == 0
    request = audit_pb2.ListAuditEventsRequest(task="t")
    answer = await governance.as_person(governance.audit.ListAuditEvents, request, "auditor")
    for event, found in zip((first, second), answer.events, strict=True):
        found.ClearField("sequence")
        found.ClearField("chain_hash")
        assert found == event_to_pb(event)


async def test_events_come_in_one_form(governance: Governance) -> None:
    event = audit_event(governance.tenant)
    both = as_messages(event)
    both.MergeFrom(as_documents(event))
    with pytest.raises(FieldInvalid, match="documents"):
        await appended(governance, both)
    with pytest.raises(FieldInvalid, match="events"):
        await appended(governance, as_messages())


@both_forms
async def test_nobody_but_a_service_appends(governance: Governance, form: Form) -> None:
    request = form(audit_event(governance.tenant))
    with pytest.raises(NotPermitted):
        await governance.as_person(governance.audit.AppendAuditEvents, request, "operator")
