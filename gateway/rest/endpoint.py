"""Serves one REST route: authenticates, reads, calls the backend's RPC, writes."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from google.protobuf.message import Message
from opentelemetry import propagate, trace
from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from gateway.connecting import wait_connected
from gateway.problems import problem
from gateway.proxy.routing import SERVED_BY
from gateway.rest.admission import RestAdmission
from gateway.rest.body import read_body
from gateway.rest.json_writer import document
from gateway.rest.query import read_query
from gateway.rest.requests import RestRequest, in_body_paths, message_of
from gateway.rest.routes import RestRoute
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.chassis.rpc.broken_off import broken_off
from phoenix_runtime.chassis.rpc.channels import Channels
from phoenix_runtime.core.errors import FieldInvalid, Refused

log = structlog.get_logger(__name__)
tracer = trace.get_tracer("phoenix_dma")

ANSWERED = Counter(
    "phoenix_dma_rest_requests_total", "REST requests answered", ["route", "method", "status"]
)
SECONDS = Histogram(
    "phoenix_dma_rest_request_seconds",
    "Time from a REST request to its answer",
    ["route", "method"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
IDEMPOTENCY_KEY = "idempotency-key"
LONGEST_WAIT = 30.0
"""Seconds for the answer to a call that waits; the service answers sooner."""
CLIENT_DISCONNECTED = 499
"""For the metrics alone: the caller disconnected, or sent invalid chunks, within its body."""


class Endpoint:
    """Serves one route of the contract."""

    def __init__(
        self, route: RestRoute, admission: RestAdmission, channels: Channels, *, largest_body: int
    ) -> None:
        self._route = route
        self._admission = admission
        self._channels = channels
        self._largest_body = largest_body
        self._channel = channels.channel(SERVED_BY[route.rpc.service])
        self._ask: Callable[..., Awaitable[Any]] = self._channel.unary_unary(
            route.rpc.path,
            request_serializer=route.rpc.request.SerializeToString,
            response_deserializer=route.rpc.response.FromString,
        )

    async def answer(self, request: Request) -> Response:
        """Return the RPC's answer to ``request``, or a problem."""
        started = time.perf_counter()
        span = tracer.start_as_current_span(
            f"{self._route.method} {self._route.path}",
            context=propagate.extract(dict(request.headers)),
            kind=trace.SpanKind.SERVER,
        )
        with span:
            response = await self._answered(request)
        labels = (self._route.path, self._route.method)
        SECONDS.labels(*labels).observe(time.perf_counter() - started)
        ANSWERED.labels(*labels, str(response.status_code)).inc()
        return response

    async def _answered(self, request: Request) -> Response:
        this = self._admission.occurrence()
        try:
            call = self._admission.authenticate(
                request, self._route.rpc, correlation_id=this.correlation_id
            )
            async with self._admission.admitted(call, self._route.rpc):
                message = message_of(self._route, await self._read(request))
                await wait_connected(self._channel)
                at_least = LONGEST_WAIT if self._route.rpc.waits else 0.0
                answer: Message = await self._channels.ask(
                    call, self._ask, message, at_least=at_least
                )
        except FieldInvalid as refused:
            return problem(in_body_paths(self._route, refused), this)
        except Refused as refused:
            return problem(refused, this)
        except ClientDisconnect:
            return Response(status_code=CLIENT_DISCONNECTED)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is logged and answered
            return problem(unexpected(request, error), this)
        headers = {"cache-control": "no-store"}
        return JSONResponse(document(answer), headers=headers)

    async def _read(self, request: Request) -> RestRequest:
        """Return body, query and path of a request; a GET has no body."""
        body = None
        if self._route.body:
            body = await read_body(request, limit=self._largest_body)
        return RestRequest(
            path=request.path_params,
            query=read_query(request.scope["query_string"]),
            body=body,
            idempotency_key=request.headers.get(IDEMPOTENCY_KEY, ""),
        )


def unexpected(request: Request, error: Exception) -> Refused:
    """Log an error; return a refusal with the id in the log, or `Unavailable` for what passes."""
    passing = broken_off(error)
    if passing is not None:
        log.warning("rest_request_broken_off", path=request.url.path, exc_info=error)
        return passing
    error_id = new_id("error")
    log.error("rest_request_failed", path=request.url.path, error_id=error_id, exc_info=error)
    refused = Refused(f"Something went wrong on our side ({error_id})", {"error_id": error_id})
    refused.remedy = "Report the error id; the log has it too."
    return refused
