"""Texts by which somebody reports how something ended: carried whatever they hold, never refused.

A refused report leaves its task with whoever failed it, so the schema marks such fields
(``reported_text``), and they are made storable before anything else looks at the request.
"""

from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from phoenix_dma.wire.reported_text import reported
from phoenix_runtime.chassis.schema import longest_report


def carry_reported_texts(request: Message) -> None:
    """Escape and shorten the reported texts of ``request``, in place."""
    for field, longest in _reporting(request.DESCRIPTOR):
        if longest:
            text: str = getattr(request, field.name)
            carried = reported(text, longest)
            if carried != text:
                setattr(request, field.name, carried)
        elif request.HasField(field.name):
            carry_reported_texts(getattr(request, field.name))


@cache
def _reporting(message: Descriptor) -> tuple[tuple[FieldDescriptor, int], ...]:
    """The reported texts of a message with their limits, and the messages that hold some (0)."""
    found: list[tuple[Any, int]] = []
    for field in message.fields:
        longest = longest_report(field)
        inner = field.message_type
        if longest:
            found.append((field, longest))
        elif inner is not None and not field.is_repeated and _reporting(inner):
            found.append((field, 0))
    return tuple(found)
