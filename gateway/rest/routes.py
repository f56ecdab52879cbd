"""Reads the REST routes from ``google.api.http`` in the descriptors."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from google.api import annotations_pb2
from google.api.http_pb2 import HttpRule
from google.protobuf import descriptor_pool

from phoenix_runtime.chassis.schema import Rpc, rpcs

WHOLE = "*"
PATTERNS = ("get", "put", "post", "delete", "patch")
_PARAMETER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class RestRoute:
    """One route; ``body`` is ``*``, the name of the field that the body fills, or empty."""

    method: str
    path: str
    body: str
    rpc: Rpc

    @property
    def parameters(self) -> tuple[str, ...]:
        """Return the fields that the path fills."""
        return tuple(_PARAMETER.findall(self.path))


def rest_routes() -> tuple[RestRoute, ...]:
    """Return every route, by path; raises LookupError for a rule that cannot be served."""
    found = [route for rpc in rpcs().values() for route in _routes_of(rpc)]
    return tuple(sorted(found, key=lambda route: (route.path, route.method)))


def _routes_of(rpc: Rpc) -> Iterator[RestRoute]:
    service = descriptor_pool.Default().FindServiceByName(rpc.service)
    options = service.methods_by_name[rpc.method].GetOptions()
    if not options.HasExtension(annotations_pb2.http):
        return
    rule = options.Extensions[annotations_pb2.http]
    for one in (rule, *rule.additional_bindings):
        yield _route(rpc, one)


def _route(rpc: Rpc, rule: HttpRule) -> RestRoute:
    method = rule.WhichOneof("pattern")
    if method not in PATTERNS or rule.response_body or rpc.client_streaming or rpc.server_streaming:
        raise LookupError(f"{rpc.path}: the gateway cannot serve this google.api.http rule")
    route = RestRoute(method.upper(), getattr(rule, method), rule.body, rpc)
    fields = rpc.request.DESCRIPTOR.fields_by_name
    named = [*route.parameters, *([route.body] if route.body not in {"", WHOLE} else [])]
    if "{" in _PARAMETER.sub("", route.path) or any(name not in fields for name in named):
        raise LookupError(f"{rpc.path}: {route.path} names a field that the request does not have")
    return route
