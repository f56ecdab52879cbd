"""A call that a server has not answered, whatever status says so, is made again."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata

from phoenix_dma.aio.rpc.errors import error_of
from phoenix_dma.aio.rpc.transport import Transport
from phoenix_dma.errors import Unavailable
from phoenix_dma.profile import Endpoint
from phoenix_dma.v1 import assignment_pb2
from tests.support.waiting.until import PATIENCE

CODES = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    # gRPC's own words for a stream or connection that broke: a service's have details.
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
)


def unanswered(code: grpc.StatusCode) -> AioRpcError:
    return AioRpcError(code, Metadata(), Metadata(), details=code.name)


@pytest.mark.parametrize("code", CODES)
def test_a_call_that_was_not_answered_is_unavailable(code: grpc.StatusCode) -> None:
    assert isinstance(error_of(unanswered(code)), Unavailable)


@pytest.mark.asyncio
@pytest.mark.parametrize("code", CODES)
async def test_a_call_that_was_not_answered_is_made_again(code: grpc.StatusCode) -> None:
    asked: list[str] = []

    async def method(request: Any, **_: Any) -> Any:
        asked.append(request.request_id)
        if len(asked) == 1:
            raise unanswered(code)
        return assignment_pb2.SubmitTaskResponse()

    transport = Transport(Endpoint(target="127.0.0.1:1", tls=False), patience=PATIENCE)
    await transport.ask_as("token", method, assignment_pb2.SubmitTaskRequest(request_id="one"))
    await transport.close()
    assert asked == ["one", "one"]


@pytest.mark.asyncio
async def test_what_was_answered_before_time_was_over_says_why() -> None:
    tries: list[grpc.StatusCode] = []

    async def method(_: Any, **__: Any) -> Any:
        tries.append(grpc.StatusCode.DEADLINE_EXCEEDED if tries else grpc.StatusCode.UNAVAILABLE)
        details = "cut off" if len(tries) > 1 else "the policy engine is busy"
        raise AioRpcError(tries[-1], Metadata(), Metadata(), details=details)

    transport = Transport(Endpoint(target="127.0.0.1:1", tls=False), patience=1.0)
    with pytest.raises(Unavailable, match=r"engine is busy.* may have been carried out") as last:
        await transport.ask_as("token", method, assignment_pb2.SubmitTaskRequest())
    assert type(last.value) is Unavailable, "no refusal that says that nothing was changed"
    await transport.close()
