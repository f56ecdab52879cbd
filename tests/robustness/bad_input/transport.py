"""What is wrong before any field is read: bodies, headers, routes, frames."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator

from phoenix_dma.v1 import assignment_pb2, registry_pb2
from tests.robustness.bad_input.cases import OPERATOR, Headers, Refusal, Rest, Wire, names
from tests.robustness.bad_input.tasks import SOUND, SUBMIT

JSON: Headers = {"content-type": "application/json"}
MALFORMED = Refusal(reason="MALFORMED_BODY")
NO_JSON = Refusal(reason="UNSUPPORTED_MEDIA_TYPE", status=415)
TOO_LARGE = Refusal(reason="TOO_LARGE", status=413)
NO_PAGE = Refusal(reason="ROUTE_NOT_FOUND", status=404)
BY_GRPC_ITSELF = Refusal(reason="")
NO_METHOD = Refusal(reason="METHOD_NOT_ALLOWED", status=405)
BODY = json.dumps(SOUND).encode()
BOMB = gzip.compress(b"\0" * (64 << 20), 9)
"""64 MiB in 64 KiB."""
SUBMIT_RPC = "AssignmentService/SubmitTask"


def body(name: str, content: bytes, refusal: Refusal = MALFORMED, **headers: str) -> Rest:
    """A body for a submission."""
    said = {**JSON, **{key.replace("_", "-"): value for key, value in headers.items()}}
    return Rest(name=name, target=SUBMIT, content=content, headers=said, refusal=refusal)


def bodies() -> Iterator[Rest]:
    yield body("an empty body", b"", names("required_capabilities"))
    yield body("a body of spaces", b"   ")
    yield body("a list", b"[]", names("body"))
    yield body("a number", b"7", names("body"))
    yield body("a text", b'"task"', names("body"))
    yield body("null", b"null", names("objective"))
    yield body("half an object", BODY[:-1])
    yield body("garbage behind an object", BODY + b"x")
    yield body("two objects", BODY + BODY)
    yield body("a name twice", b'{"task_id": "a", "task_id": "b"}')
    yield body("a name twice deep inside", b'{"input": {"a": {"b": 1, "b": 2}}}')
    yield body("a name twice by an escape", b'{"task_id": "a", "task\\u005fid": "b"}')
    yield body("bytes that are no UTF-8", b'{"task_id": "\xff"}')
    yield body("UTF-16", '{"task_id": "a"}'.encode("utf-16"))
    yield body("a byte order mark", b"\xef\xbb\xbf" + BODY)
    yield body("an overlong slash", b'{"task_id": "\xc0\xaf"}')
    yield body("a single quoted text", b"{'task_id': 'a'}")
    yield body("a comma too many", b'{"task_id": "a",}')
    yield body("a comment", b'{"task_id": "a" /* so */}')
    yield body("a control character in a text", b'{"task_id": "a\nb"}')
    yield body("100,000 levels", b"[" * 100_000 + b"]" * 100_000)
    yield body("100,000 levels of objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000)
    yield body("a number of 10,000 digits", b'{"priority": ' + b"9" * 10_000 + b"}")


def numbers_and_names() -> Iterator[Rest]:
    yield body("a hexadecimal number", b'{"priority": 0x10}')
    yield body("a number with a leading zero", b'{"priority": 010}')
    yield body("digits of another script", '{"priority": "\u0663"}'.encode(), names("priority"))
    yield body("a number that is a text", b'{"priority": "1_0"}', names("priority"))
    yield body("a fraction of a number", b'{"priority": 1.5}', names("priority"))
    yield body("a number beyond its field", b'{"priority": 2147483648}', names("priority"))
    many = json.dumps({f"field_{number}": 1 for number in range(1000)}).encode()
    yield body("a thousand names that are none", many, names("field_0"))
    proto = b'{"__proto__": {"a": 1}, "constructor": 1}'
    yield body("a name of another language", proto, names("__proto__"))
    hidden = '{"task_id\u200b": "a"}'.encode()
    yield body("a name with a character of no width", hidden, names("task_id"))
    yield body("the names of camels", b'{"taskId": "a"}', names("taskId"))


def encodings() -> Iterator[Rest]:
    yield body("a gzip bomb", BOMB, content_encoding="gzip")
    yield body("gzip", gzip.compress(BODY), content_encoding="gzip")
    yield body("deflate", zlib.compress(BODY), content_encoding="deflate")
    yield body("gzip twice", gzip.compress(gzip.compress(BODY)), content_encoding="gzip, gzip")
    yield body("an unknown encoding", BODY, content_encoding="zstd")
    yield body("gzip that is not announced", gzip.compress(BODY))
    yield body("9 MiB of spaces", b"{" + b" " * (9 << 20) + b"}", TOO_LARGE)
    for kind in ("text/plain", "application/xml", "multipart/form-data", "application/grpc", "*/*"):
        yield body(f"a body that calls itself {kind}", BODY, NO_JSON, content_type=kind)
    foreign = body("a body in UTF-16 by its own word", BODY, NO_JSON)
    said = {"content-type": "application/json; charset=utf-16"}
    yield Rest(name=foreign.name, target=SUBMIT, content=BODY, headers=said, refusal=NO_JSON)


SUBMISSION = assignment_pb2.SubmitTaskRequest(
    task=assignment_pb2.TaskDeclaration(
        task_id="task.new", objective="o", required_capabilities=["duplicate_detection"]
    )
)
BY_REQUEST_ID = names("request_id")


def keyed(name: str, key: str) -> Rest:
    """A submission over REST under this idempotency key."""
    headers = {**JSON, "idempotency-key": key}
    return Rest(name=name, target=SUBMIT, content=BODY, headers=headers, refusal=BY_REQUEST_ID)


def wired(name: str, request: assignment_pb2.SubmitTaskRequest, *keys: str) -> Wire:
    """A submission over gRPC with these idempotency keys in its metadata."""
    metadata = tuple(("idempotency-key", key) for key in keys)
    return Wire(
        name=name, rpc=SUBMIT_RPC, request=request, metadata=metadata, refusal=BY_REQUEST_ID
    )


def keys() -> Iterator[Rest | Wire]:
    """Idempotency keys that cannot be kept, or that contradict each other."""
    for kind, key in {"of 129 characters": "k" * 129, "of 5,000 characters": "k" * 5000}.items():
        yield keyed(f"an idempotency key {kind}", key)
        yield wired(f"an idempotency key {kind}", SUBMISSION, key)
    yield keyed("an idempotency key that is no ASCII", "k\u00e9y")
    yield wired("two idempotency keys", SUBMISSION, "a", "b")
    body_key = json.dumps({"participant_id": "agent.holder", "request_id": "a"}).encode()
    yield Rest(
        name="a key that differs from the request id",
        target="/participants/retire",
        content=body_key,
        headers={**JSON, "idempotency-key": "b"},
        refusal=BY_REQUEST_ID,
    )


def request_ids() -> Iterator[Wire]:
    """Request ids that cannot be kept."""
    ids = {"of 129 characters": "r" * 129, "with U+0000": "r\0", "with a line break": "r\n"}
    for kind, value in ids.items():
        wrong = assignment_pb2.SubmitTaskRequest()
        wrong.CopyFrom(SUBMISSION)
        wrong.request_id = value
        yield wired(f"a request id {kind}", wrong)


def routes() -> Iterator[Rest]:
    for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS"):
        yield Rest(
            name=f"{method} of a submission", method=method, target=SUBMIT, refusal=NO_METHOD
        )
    yield Rest(name="POST of events", target="/audit/events", content=b"{}", refusal=NO_METHOD)
    for kind, target in {
        "that nobody knows": "/nothing",
        "of the root": "/",
        "that climbs by an escape": "/tasks/%2e%2e/metrics",
        "with a doubled separator": "//tasks/submit",
        "with U+0000": "/tasks/submit%00",
        "with a bidirectional control": "/tasks/%E2%80%AEtimbus",
        "that is no UTF-8": "/tasks/%ff",
        "in upper case": "/TASKS/SUBMIT",
        "of a file": "/.git/config",
        "of 10,000 characters": "/" + "a" * 10_000,
        "of a service": "/phoenix_dma.v1.AssignmentService/SubmitTask",
    }.items():
        yield Rest(name=f"a path {kind}", target=target, content=b"{}", refusal=NO_PAGE)
    extra = f"{SUBMIT}?priority=1"
    yield Rest(name="a query beside a body", target=extra, content=BODY, refusal=names("priority"))


def frames() -> Iterator[Wire]:
    """Bytes that are no message."""
    for kind, content in {
        "of garbage": b"\xff\xff\xff\xff\xff",
        "that is cut off": b"\x0a\x7f\x0a",
        "of invalid UTF-8": b"\x0a\x04\x0a\x02\xff\xfe",
        "of another wire type": b"\x0b\x0b\x0b",
        "of a field number 0": b"\x00\x01",
        "of an endless number": b"\x08" + b"\xff" * 12,
    }.items():
        yield Wire(name=f"a message {kind}", rpc=SUBMIT_RPC, request=content, refusal=names(""))
    nested = b""
    for _ in range(300):  # Struct in Value in Struct …, deeper than any parser follows
        nested = b"\x0a" + _length(nested) + nested
    yield Wire(
        name="a message of 300 levels",
        rpc="StateService/CheckpointContext",
        request=b"\x2a" + _length(nested) + nested,
        refusal=names(""),
        who="agent",
    )
    yield Wire(
        name="a message of 10 MiB",
        rpc=SUBMIT_RPC,
        request=b"\x0a" + _length(b" " * (10 << 20)) + b" " * (10 << 20),
        code="RESOURCE_EXHAUSTED",
        refusal=TOO_LARGE,
    )
    yield Wire(
        name="a message of 20 MiB",
        rpc=SUBMIT_RPC,
        request=b"\x0a" + _length(b" " * (20 << 20)) + b" " * (20 << 20),
        code="RESOURCE_EXHAUSTED",
        refusal=BY_GRPC_ITSELF,
    )


def calls() -> Iterator[Wire]:
    """Calls of what is not there, or not for an operator."""
    for rpc in ("AssignmentService/DropTask", "NoService/GetTask", "AssignmentService/", "x"):
        yield Wire(
            name=f"a call of {rpc}",
            rpc=rpc,
            request=b"",
            code="UNIMPLEMENTED",
            refusal=BY_GRPC_ITSELF,
        )
    yield Wire(
        name="a call of what is for services alone",
        rpc="RegistryService/BatchGetStandings",
        request=registry_pb2.BatchGetStandingsRequest(participant_ids=["agent.holder"]),
        code="PERMISSION_DENIED",
        refusal=Refusal(reason="NOT_PERMITTED"),
        who=OPERATOR,
    )


def _length(content: bytes) -> bytes:
    """A length as protobuf writes one."""
    left, made = len(content), bytearray()
    while left > 0x7F:
        made.append(left & 0x7F | 0x80)
        left >>= 7
    made.append(left)
    return bytes(made)


CASES: list[Rest | Wire] = [
    *bodies(),
    *numbers_and_names(),
    *encodings(),
    *keys(),
    *request_ids(),
    *routes(),
    *frames(),
    *calls(),
]
