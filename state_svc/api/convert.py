"""Converts between protobuf messages and the domain of the state service."""

from collections.abc import Iterator

from phoenix_dma.v1 import common_pb2, state_pb2
from phoenix_runtime.chassis.rpc.conversions import (
    enum_from,
    json_object,
    number,
    receipt_to_pb,
    time_to_pb,
)
from phoenix_runtime.chassis.rpc.structs import struct_to_json
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.pages import Page
from state_svc.domain.context import context_document
from state_svc.domain.ports import ContextPointer, RecordedCheckpoint
from state_svc.domain.reference import HandoffProtocol, StateReference
from state_svc.usecases.checkpoint import Checkpoint, ContextByValue
from state_svc.usecases.get_context import Context
from state_svc.usecases.verify_checkpoint import Verification

HIGHEST = (1 << 53) - 1
MOST_OBLIGATIONS = 64


def checkpoint_from_pb(
    request: state_pb2.CheckpointContextRequest, *, request_id: str, owner: str
) -> Checkpoint:
    """The checkpoint of a request; ``owner`` is taken where the request names none.

    Raises `FieldInvalid` with every violation at once, those of the document included.
    """
    violations = list(_violations(request))
    if violations:
        raise FieldInvalid([*violations, *_document_violations(request)])
    return Checkpoint(
        task_id=request.task_id,
        participant_id=request.participant_id,
        epoch=request.epoch,
        base_version=request.base_version,
        content=_content(request, owner),
        fulfilled_obligations=tuple(request.fulfilled_obligations),
        request_id=request.request_id or request_id,
    )


def _content(
    request: state_pb2.CheckpointContextRequest, owner: str
) -> ContextByValue | StateReference:
    if not request.state_ref:
        return ContextByValue(struct_to_json(request.context, "context"), request.hash)
    protocol = enum_from(
        HandoffProtocol,
        state_pb2.HandoffProtocol,
        request.handoff_protocol,
        HandoffProtocol.READ_IN_PLACE,
    )
    return StateReference(request.state_ref, request.hash, request.owner or owner, protocol)


def _violations(request: state_pb2.CheckpointContextRequest) -> Iterator[Violation]:
    """Violations of the fields beside the content."""
    if not 1 <= request.epoch <= HIGHEST:
        yield Violation("epoch", f"counts from 1 to {HIGHEST}")
    if not 0 <= request.base_version < HIGHEST:
        yield Violation("base_version", f"counts from 0 to {HIGHEST - 1}")
    yield from _choice_violations(request)
    yield from _obligation_violations(request)


def _choice_violations(request: state_pb2.CheckpointContextRequest) -> Iterator[Violation]:
    """Violations unless the context comes either by value or by reference."""
    by_value, by_reference = request.HasField("context"), bool(request.state_ref)
    if by_value == by_reference:
        yield Violation("context", "give either context or state_ref with hash")
    if by_reference and not request.hash:
        yield Violation("hash", "is required with state_ref")
    if not by_reference and (request.owner or request.handoff_protocol):
        yield Violation("state_ref", "owner and handoff_protocol belong to a reference")


def _obligation_violations(request: state_pb2.CheckpointContextRequest) -> Iterator[Violation]:
    named = request.fulfilled_obligations
    if len(named) > MOST_OBLIGATIONS:
        yield Violation("fulfilled_obligations", f"names at most {MOST_OBLIGATIONS} obligations")
    elif any(not one or len(one) > 128 or not one.isprintable() for one in named):
        yield Violation("fulfilled_obligations", "holds something that is no id")


def _document_violations(request: state_pb2.CheckpointContextRequest) -> tuple[Violation, ...]:
    """Violations inside the document, to be reported together with the others."""
    if not request.HasField("context"):
        return ()
    try:
        context_document(struct_to_json(request.context, "context"), largest=1 << 62)
    except FieldInvalid as refused:
        return refused.violations
    return ()


def recorded_to_pb(recorded: RecordedCheckpoint) -> state_pb2.CheckpointContextResponse:
    """The recorded checkpoint."""
    return state_pb2.CheckpointContextResponse(
        checkpoint=pointer_to_pb(recorded.pointer),
        context_ref=recorded.pointer.context_ref,
        hash=recorded.pointer.hash,
        receipt=receipt_to_pb(recorded.receipt),
    )


def context_to_pb(context: Context) -> state_pb2.GetContextResponse:
    """A context, by value or by reference."""
    return state_pb2.GetContextResponse(
        checkpoint=pointer_to_pb(context.pointer),
        context=json_object(context.document),
        reference=None if context.reference is None else _reference_to_pb(context.reference),
    )


def checkpoints_to_pb(page: Page[ContextPointer]) -> state_pb2.ListCheckpointsResponse:
    """A page of checkpoints."""
    return state_pb2.ListCheckpointsResponse(
        checkpoints=[pointer_to_pb(pointer) for pointer in page.items],
        next_page_token=page.next_token,
        total_size=page.total,
    )


def verification_to_pb(verification: Verification) -> state_pb2.VerifyCheckpointResponse:
    """The result of a verification."""
    return state_pb2.VerifyCheckpointResponse(
        verified=verification.verified,
        recorded_hash=verification.recorded_hash,
        stored_hash=verification.stored_hash,
        explanation=verification.explanation,
    )


def pointer_to_pb(pointer: ContextPointer) -> common_pb2.ContextPointer:
    """The pointer of a context."""
    return common_pb2.ContextPointer(
        context_ref=pointer.context_ref,
        hash=pointer.hash,
        version=pointer.version,
        size_bytes=pointer.size_bytes,
        by_reference=pointer.by_reference,
        participant_id=pointer.participant_id,
        epoch=pointer.epoch,
        record_time=time_to_pb(pointer.recorded_at),
    )


def _reference_to_pb(reference: StateReference) -> state_pb2.StateReference:
    return state_pb2.StateReference(
        state_ref=reference.state_ref,
        hash=reference.hash,
        owner=reference.owner,
        handoff_protocol=number(state_pb2.HandoffProtocol, reference.handoff_protocol),
    )
