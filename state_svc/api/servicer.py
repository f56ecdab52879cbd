"""Serves StateService: translates messages and calls the use cases."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from grpc.aio import ServicerContext

from phoenix_dma.v1 import state_pb2, state_pb2_grpc
from phoenix_runtime.chassis.rpc.handler import RpcHandler
from phoenix_runtime.core.principal import Call
from state_svc.api.convert import (
    checkpoint_from_pb,
    checkpoints_to_pb,
    context_to_pb,
    recorded_to_pb,
    verification_to_pb,
)
from state_svc.domain.ports import PageAsked, RecordedCheckpoint
from state_svc.usecases.checkpoint import CheckpointContext
from state_svc.usecases.get_context import GetContext
from state_svc.usecases.list_checkpoints import ListCheckpoints
from state_svc.usecases.verify_checkpoint import VerifyCheckpoint

INLINE_BYTES = 64 * 1024
"""Size up to which a context is converted on the event loop."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class UseCases:
    """The use cases behind the servicer."""

    checkpoint: CheckpointContext
    get: GetContext
    list: ListCheckpoints
    verify: VerifyCheckpoint


class StateServicer(state_pb2_grpc.StateServiceServicer):
    """The RPCs of StateService. The answers to repeated requests are stored by assignment."""

    def __init__(self, handler: RpcHandler, use_cases: UseCases) -> None:
        self._handler = handler
        self._use_cases = use_cases

    async def CheckpointContext(  # noqa: N802  # the schema's name
        self, request: state_pb2.CheckpointContextRequest, context: ServicerContext[Any, Any]
    ) -> state_pb2.CheckpointContextResponse:
        """Store a context and have it recorded (Algorithm 4)."""

        async def run(call: Call) -> RecordedCheckpoint:
            owner = call.principal.owner or call.principal.participant
            read = partial(checkpoint_from_pb, request, request_id=call.request_id, owner=owner)
            checkpoint = await _off_loop(request.ByteSize(), read)
            return await self._use_cases.checkpoint(call, checkpoint)

        return await self._handler.read(run=run, answer=recorded_to_pb)

    async def GetContext(  # noqa: N802  # the schema's name
        self, request: state_pb2.GetContextRequest, context: ServicerContext[Any, Any]
    ) -> state_pb2.GetContextResponse:
        """Read a context by its address."""

        async def run(call: Call) -> state_pb2.GetContextResponse:
            found = await self._use_cases.get(call, request.context_ref, request.offer_id)
            return await _off_loop(found.pointer.size_bytes, partial(context_to_pb, found))

        return await self._handler.read(run=run, answer=lambda answered: answered)

    async def ListCheckpoints(  # noqa: N802  # the schema's name
        self, request: state_pb2.ListCheckpointsRequest, context: ServicerContext[Any, Any]
    ) -> state_pb2.ListCheckpointsResponse:
        """List a task's checkpoints, newest first."""
        return await self._handler.read(
            run=lambda call: self._use_cases.list(
                call,
                request.task_id,
                PageAsked(request.page_size, request.page_token, request.with_total),
            ),
            answer=checkpoints_to_pb,
        )

    async def VerifyCheckpoint(  # noqa: N802  # the schema's name
        self, request: state_pb2.VerifyCheckpointRequest, context: ServicerContext[Any, Any]
    ) -> state_pb2.VerifyCheckpointResponse:
        """Compare a stored context with its recorded hash."""
        return await self._handler.read(
            run=lambda call: self._use_cases.verify(call, request.context_ref),
            answer=verification_to_pb,
        )


async def _off_loop(size: int, convert: Callable[[], T]) -> T:
    """Convert in a thread where the context is large: 1 MiB takes a tenth of a second."""
    if size <= INLINE_BYTES:
        return convert()
    return await asyncio.to_thread(convert)
