"""Forwards any RPC of the contract to the backend that serves it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import nullcontext
from typing import Any

import grpc
from grpc import GenericRpcHandler, HandlerCallDetails, RpcMethodHandler
from grpc.aio import ServicerContext

from gateway.proxy.liveness import SESSION_SERVICE, SessionStreams
from gateway.proxy.routing import SERVED_BY
from gateway.streams import ForwardedCall, many_to_many, many_to_one, one_to_many, one_to_one
from phoenix_runtime.chassis.rpc.channels import Channels
from phoenix_runtime.chassis.rpc.interceptors.identity import AUTHORIZATION
from phoenix_runtime.chassis.schema import Rpc
from phoenix_runtime.chassis.serving import serving
from phoenix_runtime.core.errors import NotPermitted

INTERNAL_PREFIX = "x-phoenix-dma-"
"""Headers that only services of the runtime may set; a caller's are dropped."""

HOP = frozenset({AUTHORIZATION, "user-agent", "te", "content-type", "host"})
"""Headers of one connection, or set again by the gateway (the credential, unchanged)."""


class ForwardingHandler(GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs alone
    """Returns a handler for every RPC that a backend serves.

    The interceptors of the chassis have verified credential and role before a handler runs. RPCs
    that the schema keeps for services are refused even to services, which do not use the gateway.

    ``streams`` is entered by each stream of heartbeats. ``read_timeout`` are the seconds after
    which a stream that its caller does not read is cut.
    """

    def __init__(
        self,
        rpcs: Mapping[str, Rpc],
        channels: Channels,
        streams: SessionStreams,
        *,
        read_timeout: float,
    ) -> None:
        self._rpcs = {path: rpc for path, rpc in rpcs.items() if rpc.service in SERVED_BY}
        self._channels = channels
        self._streams = streams
        self._read_timeout = read_timeout

    def service(
        self, handler_call_details: HandlerCallDetails
    ) -> "RpcMethodHandler[Any, Any] | None":
        """Return the handler of a path; None (UNIMPLEMENTED) for one not in the contract."""
        rpc = self._rpcs.get(handler_call_details.method)
        return None if rpc is None else self._handler(rpc)

    def _handler(self, rpc: Rpc) -> "RpcMethodHandler[Any, Any]":
        """Return a handler without serialisers: bytes in, bytes out."""
        make: Any
        behaviour: Any
        if rpc.client_streaming and rpc.server_streaming:
            make, behaviour = grpc.stream_stream_rpc_method_handler, many_to_many
        elif rpc.client_streaming:
            make, behaviour = grpc.stream_unary_rpc_method_handler, many_to_one
        elif rpc.server_streaming:
            make, behaviour = grpc.unary_stream_rpc_method_handler, one_to_many
        else:
            make, behaviour = grpc.unary_unary_rpc_method_handler, one_to_one
        forward = self._answer_stream if rpc.server_streaming else self._unary_answer
        return make(forward(rpc, behaviour))  # type: ignore[no-any-return]

    def _unary_answer(self, rpc: Rpc, behaviour: Any) -> Any:
        async def forward(request: Any, context: ServicerContext[Any, Any]) -> bytes:
            answer: bytes = await behaviour(self._forwarded(rpc, context), request, context)
            return answer

        return forward

    def _answer_stream(self, rpc: Rpc, behaviour: Any) -> Any:
        heartbeats = rpc.service == SESSION_SERVICE and rpc.client_streaming
        entered = self._streams if heartbeats else nullcontext()

        async def forward(request: Any, context: ServicerContext[Any, Any]) -> AsyncIterator[bytes]:
            with entered:
                async for answer in behaviour(self._forwarded(rpc, context), request, context):
                    yield answer

        return forward

    def _forwarded(self, rpc: Rpc, context: ServicerContext[Any, Any]) -> ForwardedCall:
        """Return the call to the backend; raises `NotPermitted` for RPCs kept for services."""
        if rpc.services_only:
            text = f"{rpc.method} is for services of the runtime and not served here"
            raise NotPermitted(
                text,
                {"rpc": rpc.method, "allowed_roles": "service"},
                remedy="Leave it to the runtime: docs/any-language.md has the calls of clients.",
            )
        backend = SERVED_BY[rpc.service]
        return ForwardedCall(
            channel=self._channels.channel(backend),
            service=backend,
            path=rpc.path,
            metadata=self._metadata(context),
            timeout=self._timeout(rpc, context),
            read_timeout=self._read_timeout,
        )

    def _metadata(self, context: ServicerContext[Any, Any]) -> tuple[tuple[str, str | bytes], ...]:
        """Return the caller's headers, its credential unchanged, and the gateway's own."""
        call = serving.get().call
        added = self._channels.metadata(call) if call is not None else ()
        known = {key for key, _ in added} | HOP
        given = context.invocation_metadata() or ()
        return (*added, *((k, v) for k, v in given if k not in known and not _reserved(k)))

    def _timeout(self, rpc: Rpc, context: ServicerContext[Any, Any]) -> float | None:
        """Return the rest of the caller's deadline; a stream without one has no limit."""
        left: float | None = context.time_remaining()
        if left is not None:
            return max(0.001, left)
        if rpc.client_streaming or rpc.server_streaming:
            return None
        return self._channels.timeout()


def _reserved(key: str) -> bool:
    """True for headers that gRPC or the runtime sets."""
    return key.startswith((INTERNAL_PREFIX, "grpc-", ":"))
