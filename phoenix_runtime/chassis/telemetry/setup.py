"""Sets up JSON logs with trace ids, traces by the ``OTEL_*`` variables, and the metrics page."""

import logging
import os
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import start_http_server


def configure_logs(service: str, level: str) -> None:
    """JSON lines on stderr, each with service and trace id."""

    def with_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        span = trace.get_current_span().get_span_context()
        event["service"] = service
        if span.is_valid:
            event["trace_id"] = format(span.trace_id, "032x")
        return event

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            with_trace,
            # Without locals: they hold credentials and contexts, and take most of the time.
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def configure_traces(service: str) -> None:
    """Export spans by OTLP where the standard variables name an endpoint; else none are made."""
    named = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    if not any(os.environ.get(name) for name in named):
        return
    resource = Resource.create({"service.name": f"phoenix-dma-{service}"})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def serve_metrics(listen: str) -> None:
    """The Prometheus page at ``host:port``; none where ``listen`` is empty."""
    if listen:
        host, _, port = listen.rpartition(":")
        start_http_server(int(port), addr=host)
