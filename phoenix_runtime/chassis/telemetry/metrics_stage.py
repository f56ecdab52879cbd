"""Metrics under the names that gRPC dashboards know; no ids among the labels."""

import time
from contextlib import AbstractContextManager

from grpc import StatusCode
from prometheus_client import Counter, Histogram

from phoenix_runtime.chassis.rpc.interceptors.stages import Arrival

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

    def __init__(self) -> None:
        self._methods: dict[tuple[str, str], _Method] = {}

    def around(self, arrival: Arrival) -> "_Measured":
        """Outermost, so that it sees the code that the caller sees."""
        # A path that the schema does not know is counted as one, or callers could grow our labels.
        name = ("other", "other")
        if arrival.rpc is not None:
            name = (arrival.rpc.service, arrival.rpc.method)
        method = self._methods.get(name)
        if method is None:
            method = self._methods[name] = _Method(name)
        return _Measured(method, arrival)


class _Method:
    """The metrics of one RPC; to look them up by their labels costs more than to count."""

    __slots__ = ("_handled", "_name", "seconds", "started")

    def __init__(self, name: tuple[str, str]) -> None:
        self._name = name
        self._handled: dict[str, Counter] = {}
        self.started = STARTED.labels(*name)
        self.seconds = SECONDS.labels(*name)

    def handled(self, code: str) -> Counter:
        """The counter of calls that ended with ``code``."""
        if code not in self._handled:
            self._handled[code] = HANDLED.labels(*self._name, code)
        return self._handled[code]


class _Measured(AbstractContextManager[None]):
    """One call that is counted and timed."""

    __slots__ = ("_arrival", "_begun", "_method")

    def __init__(self, method: _Method, arrival: Arrival) -> None:
        self._method = method
        self._arrival = arrival
        self._begun = 0.0

    def __enter__(self) -> None:
        self._method.started.inc()
        self._begun = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._method.seconds.observe(time.perf_counter() - self._begun)
        self._method.handled(_code(self._arrival)).inc()


def _code(arrival: Arrival) -> str:
    code: object = arrival.context.code()  # a number at run time, whatever the stubs say
    if isinstance(code, StatusCode):
        return code.name
    return CODES.get(code if isinstance(code, int) else 0, "UNKNOWN")
