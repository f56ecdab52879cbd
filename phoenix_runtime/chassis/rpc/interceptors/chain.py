"""One interceptor that wraps all four kinds of handler in the same stages, in order."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
from google.protobuf.message import DecodeError, Message
from grpc import HandlerCallDetails, RpcMethodHandler
from grpc.aio import ServerInterceptor, ServicerContext

from phoenix_runtime.chassis.failpoints import BEFORE_REPLY, passing
from phoenix_runtime.chassis.rpc.reported_texts import carry_reported_texts
from phoenix_runtime.chassis.rpc.validation import validate
from phoenix_runtime.chassis.schema import Rpc
from phoenix_runtime.chassis.serving import serving
from phoenix_runtime.core.errors import FieldInvalid, Violation


@dataclass(frozen=True, slots=True)
class Arrival:
    """A call that arrived: its path, its RPC in the schema, and gRPC's own context.

    ``rpc`` is None for what is not ours: health, reflection.
    """

    path: str
    rpc: Rpc | None
    context: ServicerContext[Any, Any]


class Stage(Protocol):
    """One step around every call."""

    def around(self, arrival: Arrival) -> AbstractAsyncContextManager[None] | None:
        """Entered before the call is served, left after; may raise a refusal, now or on entering.

        None where all of it is done: a stream that lives for days keeps what it has entered.
        """
        ...


class Chain(ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs alone
    """Wraps handlers in ``stages``, outermost first, and checks each request by the schema."""

    def __init__(self, rpcs: Mapping[str, Rpc], stages: Sequence[Stage]) -> None:
        self._rpcs = rpcs
        self._stages = tuple(stages)

    async def intercept_service(  # type: ignore[override]  # the stubs know only typed handlers
        self,
        continuation: Callable[[HandlerCallDetails], Awaitable[RpcMethodHandler[Any, Any] | None]],
        handler_call_details: HandlerCallDetails,
    ) -> RpcMethodHandler[Any, Any] | None:
        """The handler, wrapped; None (UNIMPLEMENTED) where there is none."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        return self._wrapped(handler, handler_call_details.method)

    def _wrapped(
        self, handler: RpcMethodHandler[Any, Any], path: str
    ) -> RpcMethodHandler[Any, Any]:
        """The same kind of handler with the stages around it."""
        make = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[bool(handler.request_streaming), bool(handler.response_streaming)]
        inner = next(
            found
            for found in (
                handler.unary_unary,
                handler.unary_stream,
                handler.stream_unary,
                handler.stream_stream,
            )
            if found is not None
        )
        behaviour: Any = self._single(inner, path)
        if inspect.isasyncgenfunction(inner):
            behaviour = self._streamed(inner, path)
        return make(
            behaviour,
            request_deserializer=_forgiving(handler.request_deserializer),
            response_serializer=handler.response_serializer,
        )

    def _single(self, inner: Any, path: str) -> Any:
        """Around a coroutine: one answer, or a stream written through the context."""

        async def behaviour(request: Any, context: ServicerContext[Any, Any]) -> Any:
            async with AsyncExitStack() as stack:
                await self._enter(stack, path, context)
                answer = await inner(_checked(request), context)
                passing(BEFORE_REPLY)
                return answer

        return behaviour

    def _streamed(self, inner: Any, path: str) -> Any:
        """Around an async generator."""

        async def behaviour(request: Any, context: ServicerContext[Any, Any]) -> AsyncIterator[Any]:
            async with AsyncExitStack() as stack:
                await self._enter(stack, path, context)
                async for answer in inner(_checked(request), context):
                    yield answer

        return behaviour

    async def _enter(
        self, stack: AsyncExitStack, path: str, context: ServicerContext[Any, Any]
    ) -> None:
        arrival = Arrival(path, self._rpcs.get(path), context)
        for stage in self._stages:
            inside = stage.around(arrival)
            if inside is not None:
                await stack.enter_async_context(inside)


class _Undecodable:
    """Stands for bytes that are no message of the RPC, until the call can be refused."""


def _forgiving(decode: Callable[[bytes], Any] | None) -> Callable[[bytes], Any] | None:
    """``decode``, or what says that it failed: gRPC itself would answer its own UNKNOWN."""
    if decode is None:
        return None

    def decoded(content: bytes) -> Any:
        try:
            return decode(content)
        except DecodeError:
            return _Undecodable()

    return decoded


def _checked(request: Any) -> Any:
    """The request, once it has been checked; a stream is checked message by message."""
    if isinstance(request, _Undecodable):
        text = "is no message of this call: no UTF-8, nested too deeply, or cut off"
        raise FieldInvalid([Violation("request", text)])
    if isinstance(request, Message):
        carry_reported_texts(request)
        validate(request)
        return request
    if hasattr(request, "__aiter__"):
        return _each_checked(request, serving.get().pace)
    return request  # bytes, which are passed through undecoded


async def _each_checked(
    requests: AsyncIterator[Any], pace: Callable[[], float] | None
) -> AsyncIterator[Any]:
    async for request in requests:
        yield _checked(request)
        if pace is not None and (seconds := pace()):
            await asyncio.sleep(seconds)
