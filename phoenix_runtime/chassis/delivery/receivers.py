"""Delivers audit events to the ledger of governance and directives to the registry, over gRPC.

Both ignore what they have already, so delivering twice changes nothing. Events travel as the text
that their hash is of, which the ledger keeps: to make a message of one and an event of that
again takes six times as long as to read the text.
"""

from collections.abc import Sequence
from typing import Any

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
from phoenix_runtime.core.directives import Directive, DirectiveAction
from phoenix_runtime.core.documents import HashedEvent
from phoenix_runtime.core.principal import Call

LARGEST_BATCH = 500


class GrpcLedger:
    """The ledger over gRPC; ``service`` is the name of the delivering service."""

    def __init__(self, channels: Channels, service: str) -> None:
        self._channels = channels
        self._service = service
        self._stub: Any = audit_pb2_grpc.AuditServiceStub(channels.channel("governance"))

    async def append(self, tenant: str, events: Sequence[HashedEvent]) -> None:
        """Append ``events``; raises governance's refusals and `core.errors.Unavailable`."""
        call = _own_call(self._service, tenant)

        async def append(some: Sequence[HashedEvent]) -> Sequence[None]:
            documents = [document_to_pb(hashed) for hashed in some]
            request = audit_pb2.AppendAuditEventsRequest(documents=documents)
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


def document_to_pb(hashed: HashedEvent) -> audit_pb2.EventDocument:
    """The wire form of an event as text."""
    return audit_pb2.EventDocument(content=hashed.content, leaf_hash=hashed.event.leaf_hash)


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
