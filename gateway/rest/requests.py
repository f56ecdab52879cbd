"""Makes an RPC's request message from body, query, path and Idempotency-Key."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from gateway.rest.json_reader import FLOATS, fields_by_name, read_field, read_message, shown
from gateway.rest.routes import WHOLE, RestRoute
from phoenix_runtime.chassis.rpc.reported_texts import carry_reported_texts
from phoenix_runtime.chassis.rpc.validation import validate
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.wire import counted

NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?(e[+-]?[0-9]{1,3})?", re.ASCII | re.IGNORECASE)
REQUEST_ID = "request_id"
LONGEST_REQUEST_ID = 128
MOST_VIOLATIONS = 64


@dataclass(frozen=True, slots=True)
class RestRequest:
    """A REST request; ``query`` in its order, ``body`` None where there is none."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Sequence[tuple[str, str]] = ()
    body: Json = None
    idempotency_key: str = ""


def message_of(route: RestRoute, request: RestRequest) -> Message:
    """Return the message; raises `FieldInvalid` with every violation, missing fields included."""
    message = route.rpc.request()
    violations = [
        *_from_body(route, message, request.body),
        *_from_texts(route, message, request),
        *_from_key(message, request.idempotency_key),
    ]
    carry_reported_texts(message)
    known = {violation.field for violation in violations}
    try:
        validate(message)
    except FieldInvalid as refused:
        violations += [v for v in refused.violations if v.field not in known]
    if violations:
        raise in_body_paths(route, FieldInvalid(_bounded(violations)))
    return message


def _bounded(violations: list[Violation]) -> list[Violation]:
    """Return the first violations and how many more there are: the answer stays small."""
    more = len(violations) - MOST_VIOLATIONS
    if more <= 0:
        return violations
    return [
        *violations[:MOST_VIOLATIONS],
        Violation("body", f"and {counted(more, 'more violation')}"),
    ]


def _from_body(route: RestRoute, message: Message, body: Json) -> Iterator[Violation]:
    if not route.body:
        if body:
            yield Violation("body", f"{route.method} {route.path} takes none")
    elif route.body == WHOLE:
        yield from read_message(message, {} if body is None else body)
        if isinstance(body, Mapping):
            for name in sorted(body.keys() & set(route.parameters)):
                yield Violation(name, "is named by the path already")
    else:
        inner = fields_by_name(message)[route.body]
        yield from read_field(message, inner, {} if body is None else body, route.body)


def _from_texts(route: RestRoute, message: Message, request: RestRequest) -> Iterator[Violation]:
    """Read path and query; a list is repeated or comma-separated."""
    given: dict[str, list[str]] = {}
    for name, text in request.query:
        given.setdefault(name, []).append(text)
    fields = fields_by_name(message)
    for name in given.keys() & request.path.keys():
        yield Violation(name, "is named by the path already")
    for name, texts in {**given, **{k: [v] for k, v in request.path.items()}}.items():
        if name not in fields or (route.body in {WHOLE, name} and name not in request.path):
            yield Violation(shown(name), "is no parameter of this request")
        else:
            yield from _read_texts(message, fields[name], texts)


def _read_texts(
    message: Message, described: FieldDescriptor, texts: list[str]
) -> Iterator[Violation]:
    name = described.name
    if described.is_repeated:
        parts = [part for text in texts for part in text.split(",") if part]
        yield from read_field(message, described, [_value(described, p) for p in parts], name)
    elif len(texts) > 1:
        yield Violation(name, "is given more than once")
    elif texts[0]:
        yield from read_field(message, described, _value(described, texts[0]), name)


def _value(described: FieldDescriptor, text: str) -> Json:
    """Return a parameter as the JSON value that a body would hold, or the text if it is none."""
    if described.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return {"true": True, "false": False}.get(text, text)
    if described.cpp_type in FLOATS and NUMBER.fullmatch(text):
        return float(text)
    return text  # that of an integer is read as one


def _from_key(message: Message, key: str) -> Iterator[Violation]:
    """Set the request id, where the message has one, from ``Idempotency-Key``."""
    if not key or REQUEST_ID not in message.DESCRIPTOR.fields_by_name:
        return
    given: str = getattr(message, REQUEST_ID)
    if len(key) > LONGEST_REQUEST_ID or not (key.isascii() and key.isprintable()):
        text = f"Idempotency-Key has at most {LONGEST_REQUEST_ID} printable ASCII characters"
        yield Violation(REQUEST_ID, text)
    elif given and given != key:
        yield Violation(REQUEST_ID, "differs from Idempotency-Key")
    else:
        setattr(message, REQUEST_ID, key)


def in_body_paths(route: RestRoute, refused: FieldInvalid) -> FieldInvalid:
    """Return the refusal with the paths of the body as it was sent, instead of the RPC's.

    For violations that the gateway finds and for those that a backend finds.
    """
    return FieldInvalid(Violation(_path(route, v.field), v.text) for v in refused.violations)


def _path(route: RestRoute, field: str) -> str:
    if route.body in {"", WHOLE}:
        return field
    return "body" if field == route.body else field.removeprefix(f"{route.body}.")
