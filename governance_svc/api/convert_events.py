"""Converts between an audit event and its message."""

from datetime import UTC

from google.protobuf import timestamp_pb2

from phoenix_dma.v1 import audit_pb2
from phoenix_runtime.chassis.rpc.structs import json_to_struct, struct_to_json
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.events import AuditEvent


def event_to_pb(event: AuditEvent) -> audit_pb2.AuditEvent:
    """``event`` as a message; its leaf hash can be checked from it."""
    timestamp = timestamp_pb2.Timestamp()
    timestamp.FromDatetime(event.timestamp)
    return audit_pb2.AuditEvent(
        event_id=event.event_id,
        timestamp=timestamp,
        actor=event.actor,
        participant=event.participant,
        task=event.task,
        policy_decision=json_to_struct(event.policy_decision),
        input_references=event.input_references,
        output_references=event.output_references,
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
        detail=json_to_struct(event.detail),
        request_id=event.request_id,
        salt=event.salt,
        leaf_hash=event.leaf_hash,
        handoff=event.handoff,
    )


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
