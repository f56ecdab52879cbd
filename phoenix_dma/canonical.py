"""The one canonical form of JSON (RFC 8785), over which every hash in the house is taken."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785


def canonical(value: Any) -> bytes:
    """The RFC 8785 bytes of a JSON value; raises ValueError where it has none.

    None have: NaN, infinities, numbers beyond ±2^53, texts with a lone surrogate, other types.
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as error:
        raise ValueError(f"no canonical JSON: {error}") from error


def content_hash(value: Any) -> str:
    """``sha256:<hex>`` of the canonical form."""
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()


def bytes_hash(content: bytes) -> str:
    """``sha256:<hex>`` of ``content`` as it stands, for state that lives elsewhere."""
    return "sha256:" + hashlib.sha256(content).hexdigest()
