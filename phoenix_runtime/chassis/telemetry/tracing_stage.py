"""One span a call, continued from the caller's ``traceparent``; long streams are left out."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from opentelemetry import propagate, trace

from phoenix_runtime.chassis.rpc.interceptors.chain import Arrival
from phoenix_runtime.chassis.schema import Rpc

tracer = trace.get_tracer("phoenix_dma")


class TracingStage:
    """Spans by the names of OpenTelemetry's semantic conventions for RPC."""

    def around(self, arrival: Arrival) -> AbstractAsyncContextManager[None] | None:
        """A span around one call; a KeepAlive stream lives for days and gets none."""
        rpc = arrival.rpc
        if rpc is None or (rpc.client_streaming and rpc.server_streaming):
            return None
        return self._span(arrival, rpc)

    @asynccontextmanager
    async def _span(self, arrival: Arrival, rpc: Rpc) -> AsyncIterator[None]:
        metadata = arrival.context.invocation_metadata() or ()
        carrier = {key: value for key, value in metadata if isinstance(value, str)}
        attributes = {"rpc.system": "grpc", "rpc.service": rpc.service, "rpc.method": rpc.method}
        with tracer.start_as_current_span(
            rpc.path.lstrip("/"),
            context=propagate.extract(carrier),
            kind=trace.SpanKind.SERVER,
            attributes=attributes,
        ):
            yield
