"""SessionService on the wire. The stream is an async generator: the interceptors wrap that kind."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from grpc.aio import ServicerContext

from phoenix_dma.v1 import session_pb2, session_pb2_grpc
from phoenix_runtime.chassis.rpc.handler import RpcHandler
from phoenix_runtime.chassis.rpc.interceptors.identity import GATEWAY
from phoenix_runtime.chassis.rpc.termination import SLOW_READERS, StreamTermination
from phoenix_runtime.chassis.serving import current_call
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import QuotaExceeded
from registry_svc.api.convert_session import answered_to_pb, loss_down, pulse_from_pb
from registry_svc.api.outbound import Outbound
from registry_svc.api.session import Session, SessionVerbs
from registry_svc.domain.presence import Loss
from registry_svc.usecases.heartbeat import Heartbeat

PATIENCE_SECONDS: Final = 10.0
"""How long a reader may leave one message untaken."""


@dataclass(eq=False, slots=True)
class OpenStream:
    """A stream while it is open."""

    session: Session
    outbound: Outbound
    context: ServicerContext[Any, Any]
    serving: asyncio.Task[Any] | None
    """The task in which gRPC serves it."""
    cut: bool = False


class SessionServicer(session_pb2_grpc.SessionServiceServicer):
    """KeepAlive and Heartbeat."""

    def __init__(
        self,
        handler: RpcHandler,
        verbs: SessionVerbs,
        heartbeat: Heartbeat,
        clock: Clock,
        *,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._front = handler
        self._verbs = verbs
        self._heartbeat = heartbeat
        self._clock = clock
        self._patience = patience
        self._open: set[OpenStream] = set()
        self._last_words = StreamTermination()

    async def KeepAlive(  # noqa: N802  # the schema's name
        self,
        request_iterator: AsyncIterator[session_pb2.KeepAliveRequest],
        context: ServicerContext[Any, Any],
    ) -> AsyncIterator[session_pb2.KeepAliveResponse]:
        """Beats up; leases and directives down."""
        outbound = Outbound(self._clock)
        session = Session(current_call(), self._verbs, outbound)
        stream = OpenStream(session, outbound, context, asyncio.current_task())
        reader = asyncio.create_task(session.read(request_iterator))
        self._open.add(stream)
        self._join(session, context)
        try:
            while (message := await outbound.next()) is not None:
                yield message
        finally:
            self._open.discard(stream)
            reader.cancel()
            session.close()
            if session.hop is not None:
                self._verbs.hops.leave(session.hop, session)

    def _join(self, session: Session, context: ServicerContext[Any, Any]) -> None:
        """A gateway carries many streams over one connection; others speak for themselves."""
        if current_call().service == GATEWAY:
            now = self._clock.monotonic()
            session.hop = self._verbs.hops.join(context.peer(), session, now)

    async def Heartbeat(  # noqa: N802  # the schema's name
        self, request: session_pb2.HeartbeatRequest, context: ServicerContext[Any, Any]
    ) -> session_pb2.HeartbeatResponse:
        """One beat."""
        return await self._front.read(
            run=lambda call: self._heartbeat(call, pulse_from_pb(request)),
            answer=lambda answered: answered_to_pb(answered, self._verbs.terms),
        )

    async def cut_slow_readers(self) -> None:
        """Close streams whose reader takes nothing: they would only hold memory (I14).

        First by the book: the last message says why, and so does the status. Where even that is
        not taken for as long again, the stream is ended over what is still under way.
        """
        for stream in list(self._open):
            stuck = stream.outbound.stuck_for()
            if stuck > self._patience and not stream.cut:
                self._cut(stream)
            elif stuck > 2 * self._patience:
                self._open.discard(stream)
                self._last_words.send(self._refusal(), stream.context, stream.serving)

    def _cut(self, stream: OpenStream) -> None:
        stream.cut = True
        SLOW_READERS.inc()
        refused = self._refusal()
        stream.session.close()
        stream.outbound.push(loss_down(-1, Loss.SLOW_READER, "", refused.text))
        stream.outbound.end(refused)

    def _refusal(self) -> QuotaExceeded:
        text = f"Nothing was read for {self._patience:g} s; reconnect and read."
        return QuotaExceeded(text, {"limit_seconds": self._patience})
