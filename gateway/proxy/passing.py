"""The generic handler: any RPC of the contract goes on to the process that serves it."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc
from grpc import GenericRpcHandler, HandlerCallDetails, RpcMethodHandler
from grpc.aio import ServicerContext

from gateway.proxy.homes import HOMES
from gateway.streams import Onward, many_to_many, many_to_one, one_to_many, one_to_one
from phoenix_runtime.chassis.rpc.channels import Channels
from phoenix_runtime.chassis.rpc.interceptors.identity import AUTHORIZATION
from phoenix_runtime.chassis.schema import Rpc
from phoenix_runtime.chassis.serving import serving
from phoenix_runtime.core.errors import NotPermitted

OURS = "x-phoenix-dma-"
"""Headers that only services of the runtime may set; a caller's are left out."""

HOP = frozenset({AUTHORIZATION, "user-agent", "te", "content-type", "host"})
"""What belongs to one hop, or is added anew (the credential, unchanged)."""


class PassThrough(GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs alone
    """Answers a handler for every RPC that a service behind the gateway serves.

    The interceptors of the chassis have verified credential and role before a handler runs; what
    the schema keeps for services is refused here even where a service asks, since services do not
    come through the gateway.
    """

    def __init__(self, rpcs: Mapping[str, Rpc], channels: Channels, *, patience: float) -> None:
        self._rpcs = {path: rpc for path, rpc in rpcs.items() if rpc.service in HOMES}
        self._channels = channels
        self._patience = patience

    def service(
        self, handler_call_details: HandlerCallDetails
    ) -> "RpcMethodHandler[Any, Any] | None":
        """The handler of a path; None (UNIMPLEMENTED) for one that the contract does not have."""
        rpc = self._rpcs.get(handler_call_details.method)
        return None if rpc is None else self._handler(rpc)

    def _handler(self, rpc: Rpc) -> "RpcMethodHandler[Any, Any]":
        """No serialisers: bytes come in, bytes go out."""
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
        passing = self._streaming if rpc.server_streaming else self._single
        return make(passing(rpc, behaviour))  # type: ignore[no-any-return]

    def _single(self, rpc: Rpc, behaviour: Any) -> Any:
        async def passing(request: Any, context: ServicerContext[Any, Any]) -> bytes:
            answer: bytes = await behaviour(self._onward(rpc, context), request, context)
            return answer

        return passing

    def _streaming(self, rpc: Rpc, behaviour: Any) -> Any:
        async def passing(request: Any, context: ServicerContext[Any, Any]) -> AsyncIterator[bytes]:
            async for answer in behaviour(self._onward(rpc, context), request, context):
                yield answer

        return passing

    def _onward(self, rpc: Rpc, context: ServicerContext[Any, Any]) -> Onward:
        """Where the call goes on; raises `NotPermitted` for what is kept for services."""
        if rpc.services_only:
            text = f"{rpc.method} is for services of the runtime and not served here"
            raise NotPermitted(text, {"rpc": rpc.method, "allowed_roles": "service"})
        home = HOMES[rpc.service]
        return Onward(
            channel=self._channels.channel(home),
            service=home,
            path=rpc.path,
            metadata=self._metadata(context),
            timeout=self._timeout(rpc, context),
            patience=self._patience,
        )

    def _metadata(self, context: ServicerContext[Any, Any]) -> tuple[tuple[str, str | bytes], ...]:
        """The caller's own headers, its credential unchanged, and this gateway's beside it."""
        call = serving.get().call
        added = self._channels.metadata(call) if call is not None else ()
        known = {key for key, _ in added} | HOP
        given = context.invocation_metadata() or ()
        return (*added, *((k, v) for k, v in given if k not in known and not _reserved(k)))

    def _timeout(self, rpc: Rpc, context: ServicerContext[Any, Any]) -> float | None:
        """What is left of the caller's deadline; a stream without one lives as long as it will."""
        left: float | None = context.time_remaining()
        if left is not None:
            return max(0.001, left)
        if rpc.client_streaming or rpc.server_streaming:
            return None
        return self._channels.timeout()


def _reserved(key: str) -> bool:
    """True for what gRPC or the runtime sets itself."""
    return key.startswith((OURS, "grpc-", ":"))
