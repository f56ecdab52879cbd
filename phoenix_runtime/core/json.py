"""JSON values and their one canonical form (RFC 8785), over which every hash is taken."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias, Union

import rfc8785

Json: TypeAlias = Union[bool, int, float, str, "Sequence[Json]", "Mapping[str, Json]", None]
JsonObject: TypeAlias = Mapping[str, Json]

EMPTY_OBJECT: JsonObject = {}


class NotCanonical(ValueError):
    """The value has no RFC 8785 form: a number beyond ±2^53, NaN, an infinity, a lone surrogate."""


def canonical(value: Json) -> bytes:
    """The RFC 8785 bytes of ``value``; raises `NotCanonical` where it has none."""
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as error:
        raise NotCanonical(str(error)) from error


def content_hash(value: Json) -> str:
    """``sha256:<hex>`` of the canonical form. Hashes carry their algorithm."""
    return bytes_hash(canonical(value))


def bytes_hash(content: bytes) -> str:
    """``sha256:<hex>`` of ``content`` as it stands."""
    return "sha256:" + hashlib.sha256(content).hexdigest()
