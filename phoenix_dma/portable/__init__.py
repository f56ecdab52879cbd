"""The portable context: what one framework's agent leaves so that another's can go on.

``read`` and ``record`` are for `phoenix_dma.Task`, ``aread`` and ``arecord`` for
`phoenix_dma.AsyncTask`. The form is ``portable-context.v1.json`` beside this file;
docs/portable-context.md describes it.
"""

from __future__ import annotations

from phoenix_dma.portable.document import (
    Artifact,
    Plan,
    PortableContext,
    PrivateState,
    portable_of,
)
from phoenix_dma.portable.leftovers import Reader, Unused, unused, with_unused
from phoenix_dma.portable.messages import Message, ToolCall, holds_reasoning
from phoenix_dma.portable.recorded import Changes, aread, arecord, read, record
from phoenix_dma.portable.schema import NotPortable, portable_schema, validate

__all__ = [
    "Artifact",
    "Changes",
    "Message",
    "NotPortable",
    "Plan",
    "PortableContext",
    "PrivateState",
    "Reader",
    "ToolCall",
    "Unused",
    "aread",
    "arecord",
    "holds_reasoning",
    "portable_of",
    "portable_schema",
    "read",
    "record",
    "unused",
    "validate",
    "with_unused",
]
