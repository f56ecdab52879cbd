"""The gRPC server that every service runs.

It has uvloop, health per proto service, reflection, a drain that says NOT_SERVING first, message
limits, stream admission, the interceptors, worker loops beside it, and a graceful stop.
"""

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import grpc.aio
import structlog
import uvloop
from google.protobuf.internal import api_implementation
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from phoenix_runtime.chassis import failpoints
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.limits.quotas import Quotas, QuotaTerms
from phoenix_runtime.chassis.limits.stage import QuotaStage
from phoenix_runtime.chassis.rpc.credentials import KeyRing, Verifier
from phoenix_runtime.chassis.rpc.interceptors.authorization import AuthorizationStage
from phoenix_runtime.chassis.rpc.interceptors.chain import Chain
from phoenix_runtime.chassis.rpc.interceptors.errors import ErrorStage
from phoenix_runtime.chassis.rpc.interceptors.identity import IdentityStage
from phoenix_runtime.chassis.rpc.interceptors.stages import Stage
from phoenix_runtime.chassis.schema import rpcs
from phoenix_runtime.chassis.settings import KeySettings, LogSettings, ServerSettings
from phoenix_runtime.chassis.telemetry.metrics_stage import MetricsStage
from phoenix_runtime.chassis.telemetry.setup import configure_logs, configure_traces, serve_metrics
from phoenix_runtime.chassis.telemetry.tracing_stage import TracingStage
from phoenix_runtime.core.clock import Clock, SteadyClock
from phoenix_runtime.core.errors import Refused

log = structlog.get_logger(__name__)
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Running(Protocol):
    """A component that runs beside the server: a worker loop, the relay, a REST listener."""

    async def start(self) -> None:
        """Start; returns once it runs."""
        ...

    async def stop(self) -> None:
        """Stop; returns once it has stopped."""
        ...


@dataclass(frozen=True, slots=True)
class Service:
    """A service that is built and not yet listening.

    ``register`` adds the servicers to a server; ``names`` are their full proto names, each with
    a health of its own. ``running`` is started in order and stopped in reverse; ``close`` ends
    what holds connections.
    """

    name: str
    settings: ServerSettings
    names: Sequence[str]
    register: Callable[[grpc.aio.Server], None]
    clock: Clock = field(default_factory=SteadyClock)
    running: Sequence[Running] = ()
    close: Sequence[Callable[[], Awaitable[None]]] = ()
    reflected: bool = True
    """False for a server that answers reflection itself (the gateway)."""
    health: HealthServicer = field(default_factory=HealthServicer)
    """The health servicer; the gateway replaces it by one that includes the services behind it."""
    quotas: Quotas | None = None
    """Quotas shared with another listener (REST); made from the settings if absent."""


def run(name: str, build: Callable[[], Awaitable[Service]]) -> None:
    """Run the service ``name`` that ``build`` makes until SIGTERM or SIGINT.

    A refusal ends it with exit code 1 and one line of the log that says what to do, no traceback:
    it is about what the service was given, such as a policy that is malformed.
    """
    configure_logs(name, LogSettings().log_level)  # before it upgrades its schema, which is logged
    try:
        uvloop.run(_run(build))
    except Refused as refused:
        told = {"reason": refused.reason, "error": refused.text, "remedy": refused.remedy}
        log.error("start_refused", **told)  # noqa: TRY400 - see above
        sys.exit(1)


async def _run(build: Callable[[], Awaitable[Service]]) -> None:
    # Pure Python messages are 10 to 40 times slower, which nobody would notice but in production.
    if api_implementation.Type() != "upb":
        raise RuntimeError("protobuf runs without its upb runtime; install a binary wheel of it")
    service = await build()
    configure_traces(service.name)
    failpoints.arm(service.settings.failpoints, debug=service.settings.debug)
    serve_metrics(service.settings.metrics_listen)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Listening(service):
        _spare_what_stays()
        await stop.wait()


def _spare_what_stays() -> None:
    """Exclude every object made so far from garbage collection: they live as long as the process.

    A full collection would visit everything that was imported and stop serving for a tenth of a
    second each time.
    """
    gc.collect()
    gc.freeze()


class Listening:
    """A service while it listens; an async context manager, also for tests."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._server = make_server(service.settings, service.clock, service.quotas)
        self._health = service.health
        self.port = 0

    async def __aenter__(self) -> "Listening":
        """Listen, begin what runs beside, and say SERVING."""
        service = self._service
        service.register(self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if service.reflected:
            names = [*service.names, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name]
            reflection.enable_server_reflection([*names, reflection.SERVICE_NAME], self._server)
        self.port = self._server.add_insecure_port(service.settings.listen)
        for running in service.running:
            await running.start()
        await self._server.start()
        await self._say(SERVING)
        log.info("serving", name=service.name, listen=service.settings.listen, port=self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Say NOT_SERVING, let callers notice, finish what is under way, end everything."""
        service = self._service
        await self._say(NOT_SERVING)
        await asyncio.sleep(service.settings.drain.total_seconds())
        await self._server.stop(service.settings.grace.total_seconds())
        for running in reversed(service.running):
            await running.stop()
        for close in service.close:
            await close()

    async def _say(self, status: "health_pb2.HealthCheckResponse.ServingStatus.ValueType") -> None:
        for name in ("", *self._service.names):
            await self._health.set(name, status)


def make_verifier(settings: KeySettings, clock: Clock) -> Verifier:
    """The verifier of a service, by its settings."""
    return Verifier(
        KeyRing(settings.issuer_jwks),
        KeyRing(settings.services_jwks),
        clock,
        issuer=settings.issuer,
        audience=settings.audience,
    )


def make_server(
    settings: ServerSettings, clock: Clock, quotas: Quotas | None = None
) -> grpc.aio.Server:
    """A server with the runtime's interceptors and limits, not yet listening."""
    stages: list[Stage] = [
        MetricsStage(),
        TracingStage(),
        ErrorStage(new_id),
        IdentityStage(make_verifier(settings, clock), new_id),
        # Before the role is checked: what is not permitted costs its tenant as much.
        QuotaStage(quotas or Quotas(QuotaTerms.of(settings), clock)),
        AuthorizationStage(),
    ]
    chain = Chain(rpcs(), stages, settings.max_message_bytes)
    return grpc.aio.server(interceptors=[chain], options=server_options(settings))


def server_options(settings: ServerSettings) -> list[tuple[str, Any]]:
    """Limits and keepalive; the defaults would cancel a storm of reconnecting participants."""
    return [
        # Twice as much as is taken: a message in between is refused by the chain, with reason, size
        # and limit; gRPC itself would say RESOURCE_EXHAUSTED, which looks like a quota.
        ("grpc.max_receive_message_length", 2 * settings.max_message_bytes),
        ("grpc.max_send_message_length", 4 * settings.max_message_bytes),
        ("grpc.max_metadata_size", 32 * 1024),
        ("grpc.so_reuseport", 0),
        ("grpc.keepalive_time_ms", 20_000),
        # Longer than the two TTLs for which a hung gateway is tolerated: all its streams would end
        # with it.
        ("grpc.keepalive_timeout_ms", 25_000),
        ("grpc.http2.ping_timeout_ms", 25_000),  # the shorter one counts: see channels.OPTIONS
        ("grpc.keepalive_permit_without_calls", 1),
        # Services ping each other every 2 s, participants every 20 s; both are welcome.
        ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
        ("grpc.http2.max_ping_strikes", 0),
        ("grpc.server.max_pending_requests", settings.max_streams),
        ("grpc.server.max_pending_requests_hard_limit", 2 * settings.max_streams),
    ]
