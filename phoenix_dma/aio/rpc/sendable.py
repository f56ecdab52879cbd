"""Measures what is to be sent: what no server would take is refused here, with the same words."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import struct_pb2
from google.protobuf.message import Message

from phoenix_dma.errors import TooLarge
from phoenix_dma.wire.canonical_json import NotCanonical, canonical
from phoenix_dma.wire.conversions import json_of
from phoenix_dma.wire.sizes import DOCUMENT_BYTES, MESSAGE_BYTES, SUBJECT_BYTES, Oversize

DOCUMENTS: Final = {
    "input": DOCUMENT_BYTES,
    "context": DOCUMENT_BYTES,
    "result": DOCUMENT_BYTES,
    "subject": SUBJECT_BYTES,
}
"""The limit of each document of a request, by the name of its field, in canonical form."""


def require_sendable(request: Message) -> None:
    """Raise `TooLarge` where ``request`` is larger than a message may be."""
    size = request.ByteSize()
    if size > MESSAGE_BYTES:
        found = _document(request) or Oversize("request", size, MESSAGE_BYTES)
        raise TooLarge(found.text, found.facts)


def _document(message: Any) -> Oversize | None:
    """The document in ``message`` that is too large by itself: what a caller can make smaller."""
    for field, value in message.ListFields():
        if isinstance(value, struct_pb2.Struct):
            found = _measured(field.name, value)
        else:
            found = _document(value) if isinstance(value, Message) else None
        if found is not None:
            return found
    return None


def _measured(name: str, value: struct_pb2.Struct) -> Oversize | None:
    limit = DOCUMENTS.get(name, 0)
    try:
        size = len(canonical(json_of(value)))
    except NotCanonical:
        return None
    return Oversize(name, size, limit) if limit and size > limit else None
