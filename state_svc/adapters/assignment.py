"""Calls assignment_svc, which decides about pointers and readers."""

from phoenix_dma.v1 import assignment_pb2, assignment_pb2_grpc, common_pb2
from phoenix_runtime.chassis.failpoints import CONTENT_AND_POINTER, passing
from phoenix_runtime.chassis.rpc.channels import Channels
from phoenix_runtime.chassis.rpc.conversions import time_from_pb
from phoenix_runtime.chassis.rpc.structs import struct_to_json
from phoenix_runtime.core.pages import Page
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt
from state_svc.domain.address import ContextAddress
from state_svc.domain.ports import (
    CheckpointRecord,
    ContextPointer,
    PageAsked,
    RecordedCheckpoint,
    ResolvedContext,
)


class GrpcAssignment:
    """Implements `state_svc.domain.ports.Assignment` over gRPC.

    Each call carries the caller's own credential, and assignment authorises the caller by it.
    """

    def __init__(self, channels: Channels) -> None:
        self._channels = channels
        self._stub = assignment_pb2_grpc.AssignmentServiceStub(channels.channel("assignment"))

    async def record_checkpoint(self, call: Call, record: CheckpointRecord) -> RecordedCheckpoint:
        """Make a stored context the newest of its task."""
        request = assignment_pb2.RecordCheckpointRequest(
            task_id=record.task_id,
            epoch=record.epoch,
            base_version=record.base_version,
            hash=record.hash,
            size_bytes=record.size_bytes,
            by_reference=bool(record.external_ref),
            external_ref=record.external_ref,
            fulfilled_obligations=record.fulfilled_obligations,
            decided_obligations=record.decided_obligations,
            request_id=record.request_id,
        )
        passing(CONTENT_AND_POINTER)
        answer = await self._channels.ask(call, self._stub.RecordCheckpoint, request)
        return RecordedCheckpoint(pointer_from_pb(answer.pointer), _receipt(answer.receipt))

    async def resolve_context(
        self, call: Call, address: ContextAddress, offer_id: str
    ) -> ResolvedContext:
        """Resolve ``address`` for this caller."""
        request = assignment_pb2.ResolveContextRequest(
            task_id=address.task_id, version=address.version or 0, offer_id=offer_id
        )
        answer = await self._channels.ask(call, self._stub.ResolveContext, request)
        submitted = struct_to_json(answer.input) if answer.HasField("input") else None
        return ResolvedContext(pointer_from_pb(answer.pointer), submitted, answer.external_ref)

    async def list_pointers(
        self, call: Call, task_id: str, wanted: PageAsked
    ) -> Page[ContextPointer]:
        """One page of the recorded contexts of a task."""
        request = assignment_pb2.ListContextPointersRequest(
            task_id=task_id,
            page_size=wanted.size,
            page_token=wanted.token,
            with_total=wanted.total,
        )
        answer = await self._channels.ask(call, self._stub.ListContextPointers, request)
        pointers = tuple(map(pointer_from_pb, answer.pointers))
        return Page(pointers, answer.next_page_token, answer.total_size)


def pointer_from_pb(pointer: common_pb2.ContextPointer) -> ContextPointer:
    """A pointer as assignment recorded it."""
    return ContextPointer(
        context_ref=pointer.context_ref,
        hash=pointer.hash,
        version=pointer.version,
        size_bytes=pointer.size_bytes,
        by_reference=pointer.by_reference,
        participant_id=pointer.participant_id,
        epoch=pointer.epoch,
        recorded_at=time_from_pb(pointer, "record_time"),
    )


def _receipt(receipt: common_pb2.Receipt) -> Receipt:
    """The proof of the commit; no policy is asked for a checkpoint."""
    return Receipt(
        audit_event_id=receipt.audit_event_id,
        correlation_id=receipt.correlation_id,
        aggregate_version=receipt.aggregate_version,
    )
