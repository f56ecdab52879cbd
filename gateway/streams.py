"""Forwards calls of all four kinds to a backend as bytes.

Deadline, metadata, answers, trailers and the end of a call are target unchanged; a caller that
disconnects cancels the call to the backend. gRPC's own flow control holds on both sides: nothing is
read from one before the other has taken it, so a reader that stops costs no memory here (I14).
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import grpc.aio
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata, ServicerContext

from gateway.connecting import wait_connected
from phoenix_dma.wire.status_details import DETAILS_KEY, is_broken
from phoenix_dma.wire.stream_termination import keep_final_status
from phoenix_runtime.chassis.rpc.termination import SLOW_READERS, StreamTermination
from phoenix_runtime.core.errors import QuotaExceeded, Unavailable

TERMINATION: Final = StreamTermination()
AWAY: Final = frozenset({StatusCode.UNAVAILABLE, StatusCode.CANCELLED})
"""Codes of a backend that gave no answer. One that stops cancels the calls that it still serves; to
its caller that is no cancellation, but a call to be made again."""


@dataclass(frozen=True, slots=True)
class ForwardedCall:
    """A call to a backend: its channel, its method and what is sent along.

    ``service`` is the backend's name for error texts, ``timeout`` the seconds that are left of the
    caller's deadline, ``read_timeout`` the seconds for which the caller may leave one answer of a
    stream unread.
    """

    channel: grpc.aio.Channel
    service: str
    path: str
    metadata: tuple[tuple[str, str | bytes], ...]
    timeout: float | None
    read_timeout: float


async def one_to_one(
    target: ForwardedCall, request: bytes, context: ServicerContext[Any, Any]
) -> bytes:
    """Forward a unary call."""
    await wait_connected(target.channel)
    call = target.channel.unary_unary(target.path, None, None)(
        request, metadata=target.metadata, timeout=target.timeout
    )
    return await _answer(target, call, context)


async def many_to_one(
    target: ForwardedCall, requests: AsyncIterator[bytes], context: ServicerContext[Any, Any]
) -> bytes:
    """Forward a stream of requests with one answer."""
    await wait_connected(target.channel)
    open_call = target.channel.stream_unary(target.path, None, None)
    call = keep_final_status(open_call(requests, metadata=target.metadata, timeout=target.timeout))
    return await _answer(target, call, context)


async def one_to_many(
    target: ForwardedCall, request: bytes, context: ServicerContext[Any, Any]
) -> AsyncIterator[bytes]:
    """Forward one request with a stream of answers."""
    await wait_connected(target.channel)
    call = target.channel.unary_stream(target.path, None, None)(
        request, metadata=target.metadata, timeout=target.timeout
    )
    async for answer in _answers(target, call, context):
        yield answer


async def many_to_many(
    target: ForwardedCall, requests: AsyncIterator[bytes], context: ServicerContext[Any, Any]
) -> AsyncIterator[bytes]:
    """Forward streams in both directions, such as KeepAlive."""
    await wait_connected(target.channel)
    open_call = target.channel.stream_stream(target.path, None, None)
    call = keep_final_status(open_call(requests, metadata=target.metadata, timeout=target.timeout))
    async for answer in _answers(target, call, context):
        yield answer


async def _answer(target: ForwardedCall, call: Any, context: ServicerContext[Any, Any]) -> bytes:
    """Return the only answer and forward its metadata."""
    try:
        await _begin(call, context)
        answer: bytes = await call
        await _end(call, context)
    except AioRpcError as error:
        await _refuse(target, error, context)
    finally:
        call.cancel()
    return answer


async def _answers(
    target: ForwardedCall, call: Any, context: ServicerContext[Any, Any]
) -> AsyncIterator[bytes]:
    """Yield the answers as they come."""
    try:
        await _begin(call, context)
        reader = ReadTimeout(context, target.read_timeout)
        async for answer in call:
            with reader.running():
                yield answer
        await _end(call, context)
    except AioRpcError as error:
        await _refuse(target, error, context)
    finally:
        # No effect on a call that has ended; if the caller disconnected, the backend learns of it.
        call.cancel()


class ReadTimeout:
    """Ends the stream of a caller that reads nothing; made in the task that serves the stream.

    The backend cuts the stream too, but its status would wait here until the caller reads.
    """

    def __init__(self, context: ServicerContext[Any, Any], seconds: float) -> None:
        self._context = context
        self._seconds = seconds
        self._serving = asyncio.current_task()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the timer while one answer is on its way to the caller."""
        timer = asyncio.get_running_loop().call_later(self._seconds, self._cut)
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        SLOW_READERS.inc()
        text = f"Nothing was read for {self._seconds:g} s; reconnect and read."
        refused = QuotaExceeded(text, {"limit_seconds": self._seconds})
        TERMINATION.send(refused, self._context, self._serving)


async def _begin(call: Any, context: ServicerContext[Any, Any]) -> None:
    """Forward the initial metadata, if there is any."""
    initial = await call.initial_metadata()
    if initial:
        await context.send_initial_metadata(tuple(initial))


async def _end(call: Any, context: ServicerContext[Any, Any]) -> None:
    """Forward the trailing metadata, if there is any."""
    trailing = await call.trailing_metadata()
    if trailing:
        context.set_trailing_metadata(tuple(trailing))


async def _refuse(
    target: ForwardedCall, error: AioRpcError, context: ServicerContext[Any, Any]
) -> NoReturn:
    """End the call with the backend's status; its details are in the trailers."""
    trailing = tuple(error.trailing_metadata() or Metadata())
    detailed = any(key == DETAILS_KEY for key, _ in trailing)
    if (error.code() in AWAY and not detailed) or is_broken(error):
        # gRPC's own text names addresses behind the gateway.
        text = f"The {target.service} service is unavailable"
        raise Unavailable(text, {"service": target.service}) from error
    await context.abort(error.code(), error.details() or "", trailing)
