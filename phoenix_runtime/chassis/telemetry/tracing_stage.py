"""One span a call, continued from the caller's ``traceparent``; long streams are left out."""

from collections.abc import Iterator, Mapping, Set
from contextlib import AbstractContextManager, contextmanager

from opentelemetry import propagate, trace

from phoenix_runtime.chassis.rpc.interceptors.stages import Arrival
from phoenix_runtime.chassis.schema import Rpc

tracer = trace.get_tracer("phoenix_dma")


def exported() -> bool:
    """Whether spans go anywhere."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def carried() -> Set[str]:
    """The headers that carry a trace, or what goes with it."""
    return propagate.get_global_textmap().fields


class TracingStage:
    """Spans by the names of OpenTelemetry's semantic conventions for RPC."""

    def around(self, arrival: Arrival) -> AbstractContextManager[None] | None:
        """A span around one call; a KeepAlive stream lives for days and gets none.

        Nor does a call that brings no trace to a service that exports none.
        """
        rpc = arrival.rpc
        if rpc is None or (rpc.client_streaming and rpc.server_streaming):
            return None
        metadata = arrival.context.invocation_metadata() or ()
        carrier = {key: value for key, value in metadata if isinstance(value, str)}
        if not (exported() or any(name in carrier for name in carried())):
            return None
        return self._span(carrier, rpc)

    @contextmanager
    def _span(self, carrier: Mapping[str, str], rpc: Rpc) -> Iterator[None]:
        attributes = {"rpc.system": "grpc", "rpc.service": rpc.service, "rpc.method": rpc.method}
        with tracer.start_as_current_span(
            rpc.path.lstrip("/"),
            context=propagate.extract(carrier),
            kind=trace.SpanKind.SERVER,
            attributes=attributes,
        ):
            yield
