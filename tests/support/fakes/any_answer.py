"""A runtime that answers every call: with messages full of one text, or with one refusal.

It is for tests of what a client shows, whichever call it makes: fields of messages that do not
exist yet are filled as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import descriptor_pool, message_factory, struct_pb2, timestamp_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from phoenix_dma.v1 import (  # noqa: F401  # registers what the pool has to find
    approval_pb2,
    assignment_pb2,
    audit_pb2,
    effect_pb2,
    gateway_pb2,
    governance_pb2,
    handoff_pb2,
    identity_pb2,
    registry_pb2,
    session_pb2,
    state_pb2,
)
from phoenix_runtime.chassis.rpc.statuses import code_of, metadata_of
from phoenix_runtime.core.errors import Refused

DEEPEST = 5


class AnyAnswer(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers by ``text``, or refuses with ``refusal`` where one is set.

    Where ``refused`` names methods, only these are refused. Where ``empty``, nothing is in what it
    answers. ``given`` are answers of their own, ``asked`` the newest requests, both by method.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.refusal: Refused | None = None
        self.refused: frozenset[str] = frozenset()
        self.empty = False
        self.given: dict[str, Message] = {}
        self.asked: dict[str, Any] = {}
        self.address = ""

    def service(self, handler_call_details: Any) -> Any:
        """The handler of any unary method of the contract."""
        name, _, method = handler_call_details.method.strip("/").rpartition("/")
        found = descriptor_pool.Default().FindServiceByName(name).FindMethodByName(method)
        asked = message_factory.GetMessageClass(found.input_type)

        def answer(request: Message, context: Any) -> Message:
            self.asked[method] = request
            if self.refusal is not None and (not self.refused or method in self.refused):
                context.set_trailing_metadata(tuple(metadata_of(self.refusal)))
                context.abort(code_of(self.refusal), self.refusal.text)
            if method in self.given:
                return self.given[method]
            if self.empty:
                return message_factory.GetMessageClass(found.output_type)()
            return filled(found.output_type, self.text)

        return grpc.unary_unary_rpc_method_handler(
            answer, asked.FromString, lambda message: message.SerializeToString()
        )


def filled(descriptor: Descriptor, text: str, depth: int = 0) -> Message:
    """A message with ``text`` in each of its texts, and one item in each of its lists."""
    made: Message = message_factory.GetMessageClass(descriptor)()
    for field in descriptor.fields:
        name = field.name
        if name.endswith("page_token") or (depth > DEEPEST and field.message_type is not None):
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            continue
        _fill(made, field, text, depth)
    return made


def _fill(made: Message, field: FieldDescriptor, text: str, depth: int) -> None:
    value = _value(field, text, depth)
    present = getattr(made, field.name)
    if isinstance(value, Message):
        (present.add() if hasattr(present, "add") else present).CopyFrom(value)
    elif hasattr(present, "append"):
        present.append(value)
    else:
        setattr(made, field.name, value)


def _value(field: FieldDescriptor, text: str, depth: int) -> Any:
    if field.message_type is not None:
        return _message(field.message_type, text, depth)
    if field.enum_type is not None:
        return field.enum_type.values[-1].number
    if field.type == FieldDescriptor.TYPE_STRING:
        return "token" if field.name == "credential" else text  # it is sent back in a header
    if field.type == FieldDescriptor.TYPE_BYTES:
        return b""
    return field.type == FieldDescriptor.TYPE_BOOL or 1


def _message(descriptor: Descriptor, text: str, depth: int) -> Message:
    if descriptor.full_name == "google.protobuf.Struct":
        made = struct_pb2.Struct()
        made.update({text: text, "reasons": [{"text": text}], "decision_id": text})
        return made
    if descriptor.full_name == "google.protobuf.Timestamp":
        return timestamp_pb2.Timestamp(seconds=1_800_000_000)
    return filled(descriptor, text, depth + 1)


@contextmanager
def any_answer(text: str) -> Iterator[AnyAnswer]:
    """One that listens, at its ``address``."""
    answering = AnyAnswer(text)
    server = grpc.server(ThreadPoolExecutor(4), handlers=[answering])
    port = server.add_insecure_port("127.0.0.1:0")
    answering.address = f"127.0.0.1:{port}"
    server.start()
    try:
        yield answering
    finally:
        server.stop(0).wait()
