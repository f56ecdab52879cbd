"""Audit events for tests, completed as every service's outbox completes them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.documents import event_document
from phoenix_runtime.core.events import AuditEvent, leaf

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def audit_event(tenant: str, **fields: Any) -> AuditEvent:
    """An event of its own aggregate, with a true leaf hash; ``fields`` override."""
    event_id = fields.pop("event_id", "") or new_id("event")
    defaults: dict[str, Any] = {
        "event_id": event_id,
        "timestamp": NOON,
        "actor": "somebody",
        "participant": "",
        "task": "",
        "policy_decision": {},
        "input_references": (),
        "output_references": (),
        "reason_code": "",
        "previous_state": "",
        "new_state": "",
        "correlation_id": "audit.corr.test",
        "tenant": tenant,
        "type": "TASK_SUBMITTED",
        "event_version": 1,
        "service": "assignment",
        "aggregate": f"test/{event_id}",
        "aggregate_version": 1,
        "caused_by": "",
        "on_behalf_of": "",
        "handoff": "",
        "detail": {},
        "request_id": "",
        "salt": "00",
        "leaf_hash": "",
    }
    event = AuditEvent(**{**defaults, **fields})
    return replace(event, leaf_hash=leaf(event_document(event)))
