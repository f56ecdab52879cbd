"""SessionService on the wire.

KeepAlive is an async generator, since that is the kind of handler that the interceptors wrap.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from grpc.aio import ServicerContext

from phoenix_dma.v1 import session_pb2, session_pb2_grpc
from phoenix_runtime.chassis.delivery.receivers import directive_to_pb
from phoenix_runtime.chassis.rpc.handler import RpcHandler
from phoenix_runtime.chassis.rpc.interceptors.identity import GATEWAY
from phoenix_runtime.chassis.rpc.termination import SLOW_READERS, StreamTermination
from phoenix_runtime.chassis.serving import current_call
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import QuotaExceeded
from registry_svc.api.convert_session import (
    directives_wanted_from_pb,
    heartbeat_answer_to_pb,
    heartbeat_from_pb,
    lease_lost_message,
)
from registry_svc.api.keep_alive_stream import KeepAliveStream, SessionUseCases
from registry_svc.api.send_buffer import SendBuffer
from registry_svc.domain.session import LeaseLostReason
from registry_svc.usecases.sessions.heartbeat import Heartbeat
from registry_svc.usecases.sessions.wait_for_directives import WaitForDirectives


@dataclass(eq=False, slots=True)
class OpenStream:
    """A stream while it is open."""

    keep_alive: KeepAliveStream
    buffer: SendBuffer
    context: ServicerContext[Any, Any]
    serving: asyncio.Task[Any] | None
    """The task in which gRPC serves it."""
    refused: bool = False


class SessionServicer(session_pb2_grpc.SessionServiceServicer):
    """KeepAlive, and Heartbeat and WaitForDirectives for clients without a stream.

    ``patience`` is how long a reader may leave one message untaken, in seconds.
    """

    def __init__(
        self,
        handler: RpcHandler,
        use_cases: SessionUseCases,
        without_stream: tuple[Heartbeat, WaitForDirectives],
        clock: Clock,
        *,
        patience: float,
    ) -> None:
        self._handler = handler
        self._use_cases = use_cases
        self._heartbeat, self._wait = without_stream
        self._clock = clock
        self._patience = patience
        self._open: set[OpenStream] = set()
        self._termination = StreamTermination()

    async def KeepAlive(  # noqa: N802  # the schema's name
        self,
        request_iterator: AsyncIterator[session_pb2.KeepAliveRequest],
        context: ServicerContext[Any, Any],
    ) -> AsyncIterator[session_pb2.KeepAliveResponse]:
        """Heartbeats up; leases and directives down."""
        buffer = SendBuffer(self._clock, write=context.write)
        keep_alive = KeepAliveStream(current_call(), self._use_cases, buffer)
        stream = OpenStream(keep_alive, buffer, context, asyncio.current_task())
        reader = asyncio.create_task(keep_alive.read(request_iterator))
        self._open.add(stream)
        self._link(keep_alive, context)
        try:
            while (message := await buffer.next()) is not None:
                yield message
        finally:
            self._open.discard(stream)
            reader.cancel()
            keep_alive.close()
            if keep_alive.link is not None:
                self._use_cases.gateway_links.close(keep_alive.link, keep_alive)

    async def Heartbeat(  # noqa: N802  # the schema's name
        self, request: session_pb2.HeartbeatRequest, context: ServicerContext[Any, Any]
    ) -> session_pb2.HeartbeatResponse:
        """One heartbeat."""
        return await self._handler.read(
            run=lambda call: self._heartbeat(call, heartbeat_from_pb(request)),
            answer=lambda answered: heartbeat_answer_to_pb(answered, self._use_cases.terms),
        )

    async def WaitForDirectives(  # noqa: N802  # the schema's name
        self, request: session_pb2.WaitForDirectivesRequest, context: ServicerContext[Any, Any]
    ) -> session_pb2.WaitForDirectivesResponse:
        """Directives, once some wait."""
        return await self._handler.read(
            run=lambda call: self._wait(call, directives_wanted_from_pb(request)),
            answer=lambda found: session_pb2.WaitForDirectivesResponse(
                directives=[directive_to_pb(directive) for directive in found]
            ),
        )

    async def close_slow_readers(self) -> None:
        """Close streams whose reader takes nothing: they would only hold memory (I14).

        The last message and the status say why. Where even those are not taken for as long again,
        the stream is terminated over the message under way.
        """
        for stream in list(self._open):
            blocked = stream.buffer.blocked_for()
            if blocked > self._patience and not stream.refused:
                self._refuse(stream)
            elif blocked > 2 * self._patience:
                self._open.discard(stream)
                self._termination.send(self._refusal(), stream.context, stream.serving)

    def _link(self, keep_alive: KeepAliveStream, context: ServicerContext[Any, Any]) -> None:
        """Link the stream to its gateway, which carries many over one connection."""
        if current_call().service == GATEWAY:
            now = self._clock.monotonic()
            keep_alive.link = self._use_cases.gateway_links.open(context.peer(), keep_alive, now)

    def _refuse(self, stream: OpenStream) -> None:
        stream.refused = True
        SLOW_READERS.inc()
        refusal = self._refusal()
        stream.keep_alive.close()
        reason = LeaseLostReason.SLOW_READER
        stream.buffer.send(lease_lost_message(-1, reason, "", refusal.text))
        stream.buffer.end(refusal)

    def _refusal(self) -> QuotaExceeded:
        text = f"Nothing was read for {self._patience:g} s; reconnect and read."
        return QuotaExceeded(text, {"limit_seconds": self._patience})
