"""Delivers audit events to the ledger of governance and directives to the registry, over gRPC.

Both ignore what they have already, so delivering twice changes nothing.
"""

from collections.abc import Sequence
from typing import Any

from google.protobuf import timestamp_pb2

from phoenix_dma.v1 import (
    audit_pb2,
    audit_pb2_grpc,
    registry_pb2,
    registry_pb2_grpc,
    session_pb2,
)
from phoenix_runtime.chassis.failpoints import OFFER_AND_DIRECTIVE, passing
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.rpc.channels import Channels, service_call
from phoenix_runtime.chassis.rpc.conversions import time_to_pb
from phoenix_runtime.chassis.rpc.parts import in_parts
from phoenix_runtime.chassis.rpc.structs import json_to_struct
from phoenix_runtime.core.directives import Directive, DirectiveAction
from phoenix_runtime.core.events import AuditEvent
from phoenix_runtime.core.principal import Call

LARGEST_BATCH = 500


class GrpcLedger:
    """The ledger over gRPC; ``service`` is the name of the delivering service."""

    def __init__(self, channels: Channels, service: str) -> None:
        self._channels = channels
        self._service = service
        self._stub: Any = audit_pb2_grpc.AuditServiceStub(channels.channel("governance"))

    async def append(self, tenant: str, events: Sequence[AuditEvent]) -> None:
        """Append ``events``; raises governance's refusals and `core.errors.Unavailable`."""
        call = _own_call(self._service, tenant)

        async def append(some: Sequence[AuditEvent]) -> Sequence[None]:
            request = audit_pb2.AppendAuditEventsRequest(events=[event_to_pb(e) for e in some])
            await self._channels.ask(call, self._stub.AppendAuditEvents, request)
            return ()

        await in_parts(events, append, largest=LARGEST_BATCH)


class GrpcDirectiveSender:
    """The registry's directives over gRPC; ``service`` is the name of the sending service."""

    def __init__(self, channels: Channels, service: str) -> None:
        self._channels = channels
        self._service = service
        self._stub: Any = registry_pb2_grpc.RegistryServiceStub(channels.channel("registry"))

    async def send(self, tenant: str, directives: Sequence[Directive]) -> None:
        """Send ``directives``; raises the registry's refusals and `Unavailable`."""
        call = _own_call(self._service, tenant)

        async def send(some: Sequence[Directive]) -> Sequence[None]:
            if any(d.action is DirectiveAction.RECEIVE_HANDOFF for d in some):
                passing(OFFER_AND_DIRECTIVE, tenant)
            request = registry_pb2.SendDirectivesRequest(
                directives=[directive_to_pb(d) for d in some]
            )
            await self._channels.ask(call, self._stub.SendDirectives, request)
            return ()

        await in_parts(directives, send, largest=LARGEST_BATCH)


def event_to_pb(event: AuditEvent) -> audit_pb2.AuditEvent:
    """The wire form of ``event``; its leaf hash can be checked from it."""
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


def directive_to_pb(directive: Directive) -> session_pb2.Directive:
    """The wire form of ``directive``."""
    action = f"DIRECTIVE_ACTION_{directive.action.name}"
    return session_pb2.Directive(
        directive_id=directive.directive_id,
        action=session_pb2.DirectiveAction.Value(action),
        participant_id=directive.participant_id,
        task_id=directive.task_id,
        epoch=directive.epoch,
        handoff_id=directive.handoff_id,
        offer_id=directive.offer_id,
        deadline=time_to_pb(directive.deadline),
        facts=directive.facts,
        required_capabilities=directive.required_capabilities,
    )


def _own_call(service: str, tenant: str) -> Call:
    """The service's own call: the calls that caused its deliveries were answered long ago."""
    return service_call(service, tenant, new_id)
