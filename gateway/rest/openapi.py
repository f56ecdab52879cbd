"""Makes ``/openapi.json``, the REST routes as an OpenAPI 3.1 document, from the descriptors.

Paths and parameters come from ``google.api.http``, schemas from
the messages, roles and policies from the governance option, statuses from the table of problems.
"""

from collections.abc import Iterable, Iterator
from importlib import metadata
from typing import Any, Final, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gateway.problems import MEDIA_TYPE, STATUS, TITLES
from gateway.rest.body import JSON_TYPE
from gateway.rest.json_reader import STRUCT, TIMES
from gateway.rest.openapi_schemas import Schema, Schemas, or_null
from gateway.rest.requests import LONGEST_REQUEST_ID, REQUEST_ID
from gateway.rest.routes import WHOLE, RestRoute
from phoenix_runtime.chassis.schema import fields_of, required

VERSION: Final = "3.1.0"
DISTRIBUTION: Final = "phoenix-dma"
BEARER: Final = "bearer"
PROBLEM: Final = "Problem"
TEXT: Final[Schema] = {"type": "string"}
NOTHING: Final[Schema] = {"type": "string", "maxLength": 0}
"""An empty parameter counts as not given."""


def openapi_document(routes: Iterable[RestRoute]) -> dict[str, Any]:
    """Return the document of ``routes``; OpenAPI 3.1's own schema accepts it."""
    given, answered = Schemas(given=True), Schemas(given=False)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        operation = _operation(route, given, answered)
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    schemas = {**given.found, **answered.found, PROBLEM: _problem()}
    scheme = {"type": "http", "scheme": BEARER, "bearerFormat": "JWT"}
    return {
        "openapi": VERSION,
        "info": {
            "title": "Phoenix DMA Runtime",
            "version": metadata.version(DISTRIBUTION),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{BEARER: []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "responses": {_response(status): _refusal(status) for status in TITLES},
            "securitySchemes": {BEARER: scheme},
        },
    }


def _operation(route: RestRoute, given: Schemas, answered: Schemas) -> dict[str, Any]:
    rpc = route.rpc
    answer = {"schema": answered.of(_described(rpc.response))}
    refusals = {
        str(status): {"$ref": f"#/components/responses/{_response(status)}"} for status in TITLES
    }
    found: dict[str, Any] = {
        "operationId": rpc.method,
        "tags": [rpc.service.rpartition(".")[2]],
        "description": _description(route),
        "parameters": list(_parameters(route, given)),
        "responses": {
            "200": {"description": "What became of it", "content": {JSON_TYPE: answer}},
            **refusals,
        },
    }
    if route.body:
        found["requestBody"] = _body(route, given)
    return found


def _description(route: RestRoute) -> str:
    """Return who may call, which policies are asked and what is audited, from the schema."""
    rpc = route.rpc
    said = [f"`{rpc.path}`. Callers: {', '.join(sorted(rpc.roles))}."]
    if rpc.policies:
        said.append(f"Policies asked: {', '.join(rpc.policies)}.")
    if rpc.audit_events:
        said.append(f"Audit events: {', '.join(rpc.audit_events)}.")
    return " ".join(said)


def _body(route: RestRoute, given: Schemas) -> dict[str, Any]:
    request = _described(route.rpc.request)
    if route.body == WHOLE:
        rest = [one for one in fields_of(request) if one.name not in route.parameters]
        schema = given.of(request, without=route.parameters)
        needed = any(map(required, rest))
        schema = schema if needed else or_null(schema)
    else:
        field = request.fields_by_name[route.body]
        schema, needed = given.field(field), required(field)
    return {"required": needed, "content": {JSON_TYPE: {"schema": schema}}}


def _parameters(route: RestRoute, given: Schemas) -> Iterator[dict[str, Any]]:
    """Yield path and query parameters and, where the RPC has a request id, Idempotency-Key."""
    fields = fields_of(_described(route.rpc.request))
    for field in fields:
        if field.name in route.parameters:
            yield {"name": field.name, "in": "path", "required": True, "schema": given.field(field)}
        elif route.body not in {WHOLE, field.name} and _fits_query(field):
            schema = given.field(field)
            if not field.is_repeated and not required(field):
                schema = {"anyOf": [schema, NOTHING]}
            yield {
                "name": field.name,
                "in": "query",
                "required": required(field),
                "schema": schema,
            }
    if any(field.name == REQUEST_ID for field in fields):
        pattern = f"^[!-~]{{1,{LONGEST_REQUEST_ID}}}$"
        schema = {**TEXT, "pattern": pattern}
        text = "Makes a repetition harmless: the same key and body have one effect and one answer."
        yield {"name": "Idempotency-Key", "in": "header", "description": text, "schema": schema}


def _described(message: type[Message]) -> Descriptor:
    """Return the descriptor; the stubs' type names both implementations, which work alike."""
    return cast(Descriptor, message.DESCRIPTOR)


def _fits_query(field: FieldDescriptor) -> bool:
    """Whether a query can hold the field: a text, a number, a time, or a list of them."""
    inner = field.message_type
    return inner is None or (inner.full_name in TIMES and inner.full_name != STRUCT)


def _response(status: int) -> str:
    return f"{PROBLEM}{status}"


def _refusal(status: int) -> dict[str, Any]:
    reasons = ", ".join(reason for reason, code in STATUS.items() if code == status)
    schema = {"$ref": f"#/components/schemas/{PROBLEM}"}
    return {
        "description": f"{TITLES[status]}: {reasons}",
        "content": {MEDIA_TYPE: {"schema": schema}},
    }


def _problem() -> Schema:
    """Return the schema of a problem: RFC 9457 with reason, facts and remedy."""
    violation = {
        "type": "object",
        "properties": {"field": TEXT, "text": TEXT},
        "required": ["field", "text"],
    }
    properties = {
        "type": {**TEXT, "format": "uri"},
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": TEXT,
        "reason": {**TEXT, "enum": list(STATUS)},
        "facts": {"type": "object", "additionalProperties": TEXT},
        "remedy": TEXT,
        "violations": {"type": "array", "items": violation},
        "correlation_id": TEXT,
    }
    optional = {"violations"}
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }
