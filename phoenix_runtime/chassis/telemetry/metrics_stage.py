"""Metrics under the names that gRPC dashboards know; no ids among the labels."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from grpc import StatusCode
from prometheus_client import Counter, Histogram

from phoenix_runtime.chassis.rpc.interceptors.chain import Arrival

STARTED = Counter("grpc_server_started_total", "Calls begun", ["grpc_service", "grpc_method"])
HANDLED = Counter(
    "grpc_server_handled_total", "Calls ended", ["grpc_service", "grpc_method", "grpc_code"]
)
SECONDS = Histogram(
    "grpc_server_handling_seconds",
    "Time from the beginning of a call to its end",
    ["grpc_service", "grpc_method"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
CODES = {code.value[0]: code.name for code in StatusCode}


class MetricsStage:
    """Counts and times every call."""

    @asynccontextmanager
    async def around(self, arrival: Arrival) -> AsyncIterator[None]:
        """Outermost, so that it sees the code that the caller sees."""
        # A path that the schema does not know is counted as one, or callers could grow our labels.
        service, method = ("other", "other")
        if arrival.rpc is not None:
            service, method = arrival.rpc.service, arrival.rpc.method
        STARTED.labels(service, method).inc()
        begun = time.perf_counter()
        try:
            yield
        finally:
            SECONDS.labels(service, method).observe(time.perf_counter() - begun)
            HANDLED.labels(service, method, _code(arrival)).inc()


def _code(arrival: Arrival) -> str:
    code: object = arrival.context.code()  # a number at run time, whatever the stubs say
    if isinstance(code, StatusCode):
        return code.name
    return CODES.get(code if isinstance(code, int) else 0, "UNKNOWN")
