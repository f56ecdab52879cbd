"""One interceptor that wraps all four kinds of handler in the same stages, in order."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message
from grpc import HandlerCallDetails, RpcMethodHandler
from grpc.aio import ServerInterceptor, ServicerContext

from phoenix_dma.wire.sizes import MESSAGE_BYTES
from phoenix_runtime.chassis.failpoints import BEFORE_REPLY, passing
from phoenix_runtime.chassis.rpc.interceptors.stages import Arrival, Entered, Stage
from phoenix_runtime.chassis.rpc.reported_texts import carry_reported_texts
from phoenix_runtime.chassis.rpc.validation import validate
from phoenix_runtime.chassis.schema import Rpc
from phoenix_runtime.chassis.serving import serving
from phoenix_runtime.core.errors import FieldInvalid, Refused, TooLarge, Violation

Encode = Callable[[Any], bytes]


class Chain(ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs alone
    """Wraps handlers in ``stages``, outermost first, and checks each request by the schema.

    ``largest`` is the size in bytes of the largest message that is taken, and of the largest
    answer. What is larger is refused inside the stages, with its size and the limit.
    """

    def __init__(
        self, rpcs: Mapping[str, Rpc], stages: Sequence[Stage], largest: int = MESSAGE_BYTES
    ) -> None:
        self._rpcs = rpcs
        self._stages = tuple(stages)
        self._largest = largest
        self._made: dict[str, tuple[Any, RpcMethodHandler[Any, Any]]] = {}

    async def intercept_service(  # type: ignore[override]  # the stubs know only typed handlers
        self,
        continuation: Callable[[HandlerCallDetails], Awaitable[RpcMethodHandler[Any, Any] | None]],
        handler_call_details: HandlerCallDetails,
    ) -> RpcMethodHandler[Any, Any] | None:
        """The handler, wrapped; None (UNIMPLEMENTED) where there is none."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        path = handler_call_details.method
        known = self._made.get(path)
        if known is not None and known[0] is handler:
            return known[1]
        wrapped = self._wrapped(handler, path)
        if path in self._rpcs:  # else whoever calls could grow what is kept
            self._made[path] = handler, wrapped
        return wrapped

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
        # A stream that is passed on undecoded is measured by whoever reads it: the gateway, in the
        # midst of a call to the backend, could not say why it ends.
        passed_on = handler.request_streaming and handler.request_deserializer is None
        decode = None if passed_on else _forgiving(handler.request_deserializer, self._largest)
        # What a coroutine writes to its stream itself passes by here; those are single beats.
        written = handler.response_streaming and not inspect.isasyncgenfunction(inner)
        encode = None if written else _measured(handler.response_serializer, self._largest)
        wrap: Any = self._streamed if inspect.isasyncgenfunction(inner) else self._single
        return make(
            wrap(inner, path, encode),
            request_deserializer=decode,
            response_serializer=handler.response_serializer if written else None,
        )

    def _single(self, inner: Any, path: str, encode: Encode | None) -> Any:
        """Around a coroutine: one answer, or a stream written through the context."""

        async def behaviour(request: Any, context: ServicerContext[Any, Any]) -> Any:
            async with self._entered(path, context):
                answer = await inner(_checked(request), context)
                passing(BEFORE_REPLY)
                return answer if encode is None else encode(answer)

        return behaviour

    def _streamed(self, inner: Any, path: str, encode: Encode) -> Any:
        """Around an async generator."""

        async def behaviour(request: Any, context: ServicerContext[Any, Any]) -> AsyncIterator[Any]:
            async with self._entered(path, context):
                async for answer in inner(_checked(request), context):
                    yield encode(answer)

        return behaviour

    def _entered(
        self, path: str, context: ServicerContext[Any, Any]
    ) -> AbstractAsyncContextManager[None]:
        return Entered(self._stages, Arrival(path, self._rpcs.get(path), context))


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """Stands for bytes that are not taken, until the call can be refused."""

    refused: Refused


def _forgiving(decode: Callable[[bytes], Any] | None, largest: int) -> Callable[[bytes], Any]:
    """``decode``, or what says why not: gRPC itself would answer UNKNOWN, or a quota's status."""

    def decoded(content: bytes) -> Any:
        if len(content) > largest:
            return _Unreadable(TooLarge("message", size=len(content), limit=largest))
        try:
            return content if decode is None else decode(content)
        except DecodeError:
            text = "is no message of this call: no UTF-8, nested too deeply, or cut off"
            return _Unreadable(FieldInvalid([Violation("request", text)]))

    return decoded


def _measured(encode: Encode | None, largest: int) -> Encode:
    """``encode``; raises `TooLarge` for an answer that its caller would not take."""

    def encoded(answer: Any) -> bytes:
        content: bytes = answer if encode is None else encode(answer)
        if len(content) > largest:
            raise TooLarge("answer", size=len(content), limit=largest)
        return content

    return encoded


def _checked(request: Any) -> Any:
    """The request, once it has been checked; a stream is checked message by message."""
    if isinstance(request, _Unreadable):
        raise request.refused
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
