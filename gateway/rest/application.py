"""The REST application: the contract's routes, health, metrics, OpenAPI, and errors."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.problems import MethodNotAllowed, RouteNotFound, problem
from gateway.rest.admission import RestAdmission
from gateway.rest.endpoint import CLIENT_DISCONNECTED, Endpoint, unexpected
from gateway.rest.json_reader import shown
from gateway.rest.openapi import openapi_document
from gateway.rest.routes import rest_routes
from phoenix_runtime.chassis.rpc.channels import Channels
from phoenix_runtime.core.errors import Refused
from phoenix_runtime.core.principal import Role

Handler = Callable[[Request], Awaitable[Response]]
ErrorHandler = Callable[[Request, Exception], Awaitable[Response]]
METRICS_ROLES = (Role.OPERATOR, Role.AUDITOR)


def make_application(
    admission: RestAdmission, channels: Channels, serving: Mapping[str, bool], *, largest_body: int
) -> Starlette:
    """Return the application; ``serving`` is kept up to date with which backends serve."""
    routes = rest_routes()
    by_path: defaultdict[str, dict[str, Handler]] = defaultdict(dict)
    for route in routes:
        endpoint = Endpoint(route, admission, channels, largest_body=largest_body)
        by_path[route.path][route.method] = endpoint.answer
    served = [
        Route(path, _by_method(methods), methods=list(methods)) for path, methods in by_path.items()
    ]
    served += [
        Route("/healthz", _alive),
        Route("/readyz", _ready(serving)),
        Route("/metrics", _metrics(admission)),
        Route("/openapi.json", _described(admission, openapi_document(routes))),
    ]
    paths = [route.path for route in served]
    return Starlette(
        routes=served,
        exception_handlers={
            HTTPException: _no_route(admission, paths),
            Exception: _internal_error(admission),
        },
    )


def _by_method(methods: Mapping[str, Handler]) -> Handler:
    """Return the handler of one path; one route for all its methods, so that 405 names them all."""

    async def answer(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await methods[method](request)

    return answer


async def _alive(_: Request) -> Response:
    """Answer that the process lives; open, like the health check of the gRPC port."""
    return JSONResponse({"status": "ok"})


def _ready(serving: Mapping[str, bool]) -> Handler:
    """Return the handler that is ready when every backend serves, and names those that do not."""

    async def ready(_: Request) -> Response:
        whole = all(serving.values())
        services = {name: "serving" if up else "not_serving" for name, up in serving.items()}
        document = {"status": "ready" if whole else "not_ready", "services": services}
        return JSONResponse(document, 200 if whole else 503)

    return ready


def _metrics(admission: RestAdmission) -> Handler:
    """Return the metrics for operators and auditors; other scrapers use the metrics port."""

    async def metrics(request: Request) -> Response:
        occurrence = admission.occurrence()
        try:
            call = admission.authenticate(request, correlation_id=occurrence.correlation_id)
            admission.require_role(call, METRICS_ROLES)
        except Refused as refused:
            return problem(refused, occurrence)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return metrics


def _described(admission: RestAdmission, document: Mapping[str, Any]) -> Handler:
    """Return the OpenAPI document for any credential, as reflection is at the gRPC port."""
    answer = JSONResponse(document)

    async def described(request: Request) -> Response:
        occurrence = admission.occurrence()
        try:
            admission.authenticate(request, correlation_id=occurrence.correlation_id)
        except Refused as refused:
            return problem(refused, occurrence)
        return answer

    return described


def _no_route(admission: RestAdmission, paths: Iterable[str]) -> ErrorHandler:
    """Return the answer for an unknown path, or a method that the path does not have."""
    known = sorted(paths)

    async def no_route(request: Request, error: Exception) -> Response:
        path = shown(request.url.path)
        occurrence = admission.occurrence()
        if isinstance(error, HTTPException) and error.status_code == 405:
            headers = dict(error.headers or {})
            allowed = headers.get("Allow", "")
            refused: Refused = MethodNotAllowed(
                f"{path} is not served with {shown(request.method)}", {"allowed": allowed}
            )
            return problem(refused, replace(occurrence, headers=headers))
        nearest = get_close_matches(path, known, 1)
        facts = {"path": path, **({"nearest": nearest[0]} if nearest else {})}
        return problem(RouteNotFound(f"There is no route {path}", facts), occurrence)

    return no_route


def _internal_error(admission: RestAdmission) -> ErrorHandler:
    """Return the answer for an exception outside of an endpoint."""

    async def internal_error(request: Request, error: Exception) -> Response:
        if isinstance(error, ClientDisconnect):
            return Response(status_code=CLIENT_DISCONNECTED)
        return problem(unexpected(request, error), admission.occurrence())

    return internal_error
