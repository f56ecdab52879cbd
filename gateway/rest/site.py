"""The REST port's pages: the routes of the contract, health, metrics, and what is none of these."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.problems import MethodNotAllowed, Occurrence, problem
from gateway.rest.door import Door
from gateway.rest.endpoint import HUNG_UP, Endpoint, unexpected
from gateway.rest.openapi import openapi_document
from gateway.rest.reading import shown
from gateway.rest.routes import rest_routes
from phoenix_runtime.chassis.rpc.channels import Channels
from phoenix_runtime.core.errors import NotFound, Refused
from phoenix_runtime.core.principal import Role

Page = Callable[[Request], Awaitable[Response]]
METRICS_ROLES = (Role.OPERATOR, Role.AUDITOR)


def make_site(
    door: Door, channels: Channels, serving: Mapping[str, bool], *, largest_body: int
) -> Starlette:
    """The application; ``serving`` says at any time which services behind are there."""
    routes = rest_routes()
    pages = [
        Route(
            route.path,
            Endpoint(route, door, channels, largest_body=largest_body).answer,
            methods=[route.method],
        )
        for route in routes
    ]
    pages += [
        Route("/healthz", _alive),
        Route("/readyz", _ready(serving)),
        Route("/metrics", _metrics(door)),
        Route("/openapi.json", _described(door, openapi_document(routes))),
    ]
    return Starlette(
        routes=pages, exception_handlers={HTTPException: _no_page, Exception: _our_fault}
    )


async def _alive(_: Request) -> Response:
    """The process lives. Open, as the health check of the gRPC port is."""
    return JSONResponse({"status": "ok"})


def _ready(serving: Mapping[str, bool]) -> Page:
    """Ready when every service behind serves; names those that do not."""

    async def ready(_: Request) -> Response:
        whole = all(serving.values())
        services = {name: "serving" if up else "not_serving" for name, up in serving.items()}
        document = {"status": "ready" if whole else "not_ready", "services": services}
        return JSONResponse(document, 200 if whole else 503)

    return ready


def _metrics(door: Door) -> Page:
    """For operators and auditors; scrapers without a credential use the metrics port."""

    async def metrics(request: Request) -> Response:
        try:
            door.admit_any(door.call(request), METRICS_ROLES)
        except Refused as refused:
            return problem(refused)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return metrics


def _described(door: Door, document: Mapping[str, Any]) -> Page:
    """The contract of this port, for whoever has a credential, as reflection is at the other."""
    answer = JSONResponse(document)

    async def described(request: Request) -> Response:
        try:
            door.call(request)
        except Refused as refused:
            return problem(refused)
        return answer

    return described


async def _no_page(request: Request, error: Exception) -> Response:
    """No such path, or not with that method."""
    path = shown(request.url.path)
    if isinstance(error, HTTPException) and error.status_code == 405:
        refused: Refused = MethodNotAllowed(f"{path} is not served with {request.method}")
        return problem(refused, Occurrence(headers=dict(error.headers or {})))
    return problem(NotFound("page", path))


async def _our_fault(request: Request, error: Exception) -> Response:
    """What went wrong outside of an endpoint."""
    if isinstance(error, ClientDisconnect):
        return Response(status_code=HUNG_UP)
    return problem(unexpected(request, error))
