"""JSON values, and their canonical form as the contract has it (`phoenix_dma.wire`)."""

from collections.abc import Mapping
from typing import TypeAlias

from phoenix_dma.wire.canonical_json import (
    Json,
    NotCanonical,
    bytes_hash,
    canonical,
    content_hash,
    is_exact,
    parsed,
    parsed_canonical,
)

__all__ = [
    "EMPTY_OBJECT",
    "Json",
    "JsonObject",
    "NotCanonical",
    "bytes_hash",
    "canonical",
    "content_hash",
    "is_exact",
    "parsed",
    "parsed_canonical",
]

JsonObject: TypeAlias = Mapping[str, Json]

EMPTY_OBJECT: JsonObject = {}
