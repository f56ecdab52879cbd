"""A server of the chassis on a real socket, whose answers tests choose by task id."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2

from phoenix_dma.v1 import assignment_pb2, assignment_pb2_grpc, session_pb2, session_pb2_grpc
from phoenix_dma.wire.status_details import DETAILS_KEY
from phoenix_runtime.chassis.rpc.handler import RpcHandler
from phoenix_runtime.chassis.server import Listening, Service
from phoenix_runtime.chassis.serving import current_call
from phoenix_runtime.chassis.settings import ServerSettings
from phoenix_runtime.core import errors
from phoenix_runtime.core.principal import Call
from tests.support.builders.keys import Keys
from tests.support.waiting.until import PATIENCE

BROKEN_OFF: Mapping[str, BaseException] = {
    "late": TimeoutError("a secret inside"),
    "reset": ConnectionResetError("a secret inside"),
    "stopping": grpc.aio.UsageError("Channel is closed."),
    "given-up": asyncio.CancelledError("a secret inside"),
}
"""What a call may be broken off by, by task id."""


class Tasks(assignment_pb2_grpc.AssignmentServiceServicer):
    """Answers by task id, so that each test chooses what happens."""

    def __init__(self) -> None:
        self._front = RpcHandler()

    async def GetTask(self, request: Any, context: Any) -> Any:  # noqa: N802  # the schema's name
        async def found(call: Call) -> str:
            if request.task_id == "gone":
                raise errors.NotFound("task", "gone")
            if request.task_id == "broken":
                raise ZeroDivisionError("a secret inside")
            if request.task_id in BROKEN_OFF:
                raise BROKEN_OFF[request.task_id]
            return call.actor

        return await self._front.read(
            run=found,
            answer=lambda actor: assignment_pb2.GetTaskResponse(
                task=assignment_pb2.Task(submitter=actor, reason="x" * _wanted(request.task_id))
            ),
        )

    async def RecordCheckpoint(self, request: Any, context: Any) -> Any:  # noqa: N802
        call = current_call()
        pointer = assignment_pb2.RecordCheckpointResponse().pointer
        pointer.participant_id = f"{call.actor} through {call.service}"
        return assignment_pb2.RecordCheckpointResponse(pointer=pointer)


def _wanted(task_id: str) -> int:
    """How many bytes an answer shall have: ``bytes.5`` has five, others none."""
    kind, _, size = task_id.partition(".")
    return int(size) if kind == "bytes" else 0


class Sessions(session_pb2_grpc.SessionServiceServicer):
    """Echoes the sequence of each beat."""

    async def KeepAlive(  # noqa: N802
        self, request_iterator: AsyncIterator[Any], context: Any
    ) -> AsyncIterator[Any]:
        async for request in request_iterator:
            yield session_pb2.KeepAliveResponse(beat_ack=session_pb2.BeatAck(seq=request.beats.seq))


@pytest.fixture
async def server_address(keys: Keys) -> AsyncIterator[str]:
    """Where it listens."""

    def register(server: grpc.aio.Server) -> None:
        assignment_pb2_grpc.add_AssignmentServiceServicer_to_server(Tasks(), server)
        session_pb2_grpc.add_SessionServiceServicer_to_server(Sessions(), server)

    settings = ServerSettings(
        **keys.settings("assignment"), listen="127.0.0.1:0", grace=timedelta(seconds=0.2)
    )
    names = ["phoenix_dma.v1.AssignmentService", "phoenix_dma.v1.SessionService"]
    async with Listening(Service("assignment", settings, names, register)) as listening:
        yield f"127.0.0.1:{listening.port}"


async def get_task(address: str, task_id: str, metadata: Any) -> Any:
    """The answer to a call."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = assignment_pb2_grpc.AssignmentServiceStub(channel)
        return await stub.GetTask(
            assignment_pb2.GetTaskRequest(task_id=task_id), metadata=metadata, timeout=PATIENCE
        )


async def refusal(address: str, task_id: str, metadata: Any) -> tuple[grpc.StatusCode, Any]:
    """The code and ErrorInfo of a call that is expected to be refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await get_task(address, task_id, metadata)
    status = errors_of(caught.value)
    return caught.value.code(), status


def errors_of(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    """What a refusal carries, by kind."""
    packed = next(v for k, v in error.trailing_metadata() if k == DETAILS_KEY)
    status = status_pb2.Status.FromString(packed)
    kinds = (
        error_details_pb2.ErrorInfo,
        error_details_pb2.BadRequest,
        error_details_pb2.RetryInfo,
    )
    found: dict[str, Any] = {}
    for detail in status.details:
        for kind in kinds:
            if detail.Is(kind.DESCRIPTOR):
                message = kind()
                detail.Unpack(message)
                found[kind.__name__] = message
    return found
