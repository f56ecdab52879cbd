"""Calls of all four kinds handed on to a service as bytes, with what belongs to them.

Deadline, metadata, answers, trailers and the end of a call go through as they are; a caller that
goes away cancels the call behind. gRPC's own flow control holds on both sides: nothing is read
from one before the other has taken it, so a reader that stops costs no memory here (I14).
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import grpc.aio
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata, ServicerContext

from gateway.proxy.patience import reached
from phoenix_dma.wire.status_details import DETAILS_KEY
from phoenix_dma.wire.stream_termination import keep_final_status
from phoenix_runtime.chassis.rpc.termination import SLOW_READERS, StreamTermination
from phoenix_runtime.core.errors import QuotaExceeded, Unavailable

LAST_WORDS: Final = StreamTermination()


@dataclass(frozen=True, slots=True)
class Onward:
    """Where a call goes on: the method behind, and what goes along. ``service`` is for people."""

    channel: grpc.aio.Channel
    service: str
    path: str
    metadata: tuple[tuple[str, str | bytes], ...]
    timeout: float | None
    patience: float
    """Seconds for which a reader may leave one answer of a stream untaken."""


async def one_to_one(onward: Onward, request: bytes, context: ServicerContext[Any, Any]) -> bytes:
    """A unary call."""
    await reached(onward.channel)
    call = onward.channel.unary_unary(onward.path, None, None)(
        request, metadata=onward.metadata, timeout=onward.timeout
    )
    return await _answer(onward, call, context)


async def many_to_one(
    onward: Onward, requests: AsyncIterator[bytes], context: ServicerContext[Any, Any]
) -> bytes:
    """A stream of requests with one answer."""
    await reached(onward.channel)
    open_call = onward.channel.stream_unary(onward.path, None, None)
    call = keep_final_status(open_call(requests, metadata=onward.metadata, timeout=onward.timeout))
    return await _answer(onward, call, context)


async def one_to_many(
    onward: Onward, request: bytes, context: ServicerContext[Any, Any]
) -> AsyncIterator[bytes]:
    """One request with a stream of answers."""
    await reached(onward.channel)
    call = onward.channel.unary_stream(onward.path, None, None)(
        request, metadata=onward.metadata, timeout=onward.timeout
    )
    async for answer in _answers(onward, call, context):
        yield answer


async def many_to_many(
    onward: Onward, requests: AsyncIterator[bytes], context: ServicerContext[Any, Any]
) -> AsyncIterator[bytes]:
    """Streams in both directions, such as KeepAlive with all its participants."""
    await reached(onward.channel)
    open_call = onward.channel.stream_stream(onward.path, None, None)
    call = keep_final_status(open_call(requests, metadata=onward.metadata, timeout=onward.timeout))
    async for answer in _answers(onward, call, context):
        yield answer


async def _answer(onward: Onward, call: Any, context: ServicerContext[Any, Any]) -> bytes:
    """The only answer, with its metadata."""
    try:
        await _begin(call, context)
        answer: bytes = await call
        await _end(call, context)
    except AioRpcError as error:
        await _refuse(onward, error, context)
    finally:
        call.cancel()
    return answer


async def _answers(
    onward: Onward, call: Any, context: ServicerContext[Any, Any]
) -> AsyncIterator[bytes]:
    """The answers as they come."""
    try:
        await _begin(call, context)
        reader = Reader(context, onward.patience)
        async for answer in call:
            with reader.taking():
                yield answer
        await _end(call, context)
    except AioRpcError as error:
        await _refuse(onward, error, context)
    finally:
        # Nothing where the call has ended; where the caller went away, the service learns it.
        call.cancel()


class Reader:
    """Ends the stream of a reader that takes nothing; made in the task that serves the stream.

    The service behind cuts it too, but its last words would wait here for ever.
    """

    def __init__(self, context: ServicerContext[Any, Any], patience: float) -> None:
        self._context = context
        self._patience = patience
        self._serving = asyncio.current_task()

    @contextmanager
    def taking(self) -> Iterator[None]:
        """While one answer is on its way to the reader."""
        waiting = asyncio.get_running_loop().call_later(self._patience, self._cut)
        try:
            yield
        finally:
            waiting.cancel()

    def _cut(self) -> None:
        SLOW_READERS.inc()
        text = f"Nothing was read for {self._patience:g} s; reconnect and read."
        refused = QuotaExceeded(text, {"limit_seconds": self._patience})
        LAST_WORDS.send(refused, self._context, self._serving)


async def _begin(call: Any, context: ServicerContext[Any, Any]) -> None:
    """Hand on the initial metadata, where there is any."""
    initial = await call.initial_metadata()
    if initial:
        await context.send_initial_metadata(tuple(initial))


async def _end(call: Any, context: ServicerContext[Any, Any]) -> None:
    """Hand on the trailing metadata, where there is any."""
    trailing = await call.trailing_metadata()
    if trailing:
        context.set_trailing_metadata(tuple(trailing))


async def _refuse(
    onward: Onward, error: AioRpcError, context: ServicerContext[Any, Any]
) -> NoReturn:
    """End the call as the service ended it; its rich status is in the trailers."""
    trailing = tuple(error.trailing_metadata() or Metadata())
    told = any(key == DETAILS_KEY for key, _ in trailing)
    if error.code() is StatusCode.UNAVAILABLE and not told:
        # gRPC's own words name addresses behind the gateway.
        text = f"The {onward.service} service is away"
        raise Unavailable(text, {"service": onward.service}) from error
    await context.abort(error.code(), error.details() or "", trailing)
