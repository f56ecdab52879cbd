"""StateService on the wire: translates, decides nothing."""

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
from state_svc.domain.ports import RecordedCheckpoint
from state_svc.usecases.checkpoint import CheckpointContext
from state_svc.usecases.get_context import GetContext
from state_svc.usecases.list_checkpoints import ListCheckpoints
from state_svc.usecases.verify_checkpoint import VerifyCheckpoint

QUICK = 64 * 1024
"""Bytes up to which a context is converted at once."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Verbs:
    """The use cases behind the servicer."""

    checkpoint: CheckpointContext
    get: GetContext
    list: ListCheckpoints
    verify: VerifyCheckpoint


class StateServicer(state_pb2_grpc.StateServiceServicer):
    """The four RPCs. No answer is kept here: the effect and its repetition are assignment's."""

    def __init__(self, handler: RpcHandler, verbs: Verbs) -> None:
        self._front = handler
        self._verbs = verbs

    async def CheckpointContext(  # noqa: N802  # the schema's name
        self, request: state_pb2.CheckpointContextRequest, context: ServicerContext[Any, Any]
    ) -> state_pb2.CheckpointContextResponse:
        """Algorithm 4."""

        async def run(call: Call) -> RecordedCheckpoint:
            owner = call.principal.owner or call.principal.participant
            read = partial(checkpoint_from_pb, request, request_id=call.request_id, owner=owner)
            checkpoint = await _aside(request.ByteSize(), read)
            return await self._verbs.checkpoint(call, checkpoint)

        return await self._front.read(run=run, answer=recorded_to_pb)

    async def GetContext(  # noqa: N802  # the schema's name
        self, request: state_pb2.GetContextRequest, context: ServicerContext[Any, Any]
    ) -> state_pb2.GetContextResponse:
        """A context by its address."""

        async def run(call: Call) -> state_pb2.GetContextResponse:
            found = await self._verbs.get(call, request.context_ref, request.offer_id)
            return await _aside(found.pointer.size_bytes, partial(context_to_pb, found))

        return await self._front.read(run=run, answer=lambda answered: answered)

    async def ListCheckpoints(  # noqa: N802  # the schema's name
        self, request: state_pb2.ListCheckpointsRequest, context: ServicerContext[Any, Any]
    ) -> state_pb2.ListCheckpointsResponse:
        """A task's checkpoints, newest first."""
        return await self._front.read(
            run=lambda call: self._verbs.list(
                call, request.task_id, size=request.page_size, token=request.page_token
            ),
            answer=checkpoints_to_pb,
        )

    async def VerifyCheckpoint(  # noqa: N802  # the schema's name
        self, request: state_pb2.VerifyCheckpointRequest, context: ServicerContext[Any, Any]
    ) -> state_pb2.VerifyCheckpointResponse:
        """Hash again, compare."""
        return await self._front.read(
            run=lambda call: self._verbs.verify(call, request.context_ref),
            answer=verification_to_pb,
        )


async def _aside(size: int, convert: Callable[[], T]) -> T:
    """Convert a large context beside the loop: 1 MiB takes a tenth of a second, and others wait."""
    if size <= QUICK:
        return convert()
    return await asyncio.to_thread(convert)
