"""Checks quickly whether a context document breaks any rule, without saying which."""

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import lru_cache

from phoenix_runtime.core.json import Json, JsonObject, is_exact
from phoenix_runtime.core.wire import CONTEXT_KINDS
from state_svc.domain.reasoning import is_marker, looks_private, marks_private, private_tag

DEEPEST = 24
"""Levels of nesting at most. Protobuf's parser stops at about 32, without naming the place."""

SMALL = 1 << 53
"""Every integer below is carried exactly by a double."""

LONGEST_CACHED = 64
"""Characters of the longest name that is cached."""


def is_clean(document: JsonObject) -> bool:
    """True where the full check of `domain.context.context_document` would find no violation.

    It keeps no paths and takes a tenth of the time. Nearly every document passes; the full check
    of one of 1 MiB would block the event loop for a third of a second.
    """
    if not document.keys() <= CONTEXT_KINDS:
        return False
    waiting: list[tuple[Json, int]] = [(value, 1) for value in document.values()]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str):
            if not _clean_text(value):
                return False
        elif isinstance(value, int | float):
            if not (-SMALL < value < SMALL or is_exact(value)):
                return False
        elif value is not None and (depth >= DEEPEST or not _push_parts(value, depth + 1, waiting)):
            return False
    return True


def _push_parts(
    value: Sequence[Json] | JsonObject, depth: int, waiting: list[tuple[Json, int]]
) -> bool:
    """Append the parts of ``value`` to ``waiting``; False where the name of one is private."""
    if not isinstance(value, Mapping):
        waiting.extend([(item, depth) for item in value])
        return True
    for name, item in value.items():
        kind = _known_kind(name) if len(name) <= LONGEST_CACHED else _kind(name)
        if kind is _Name.PRIVATE or (kind is _Name.MARKER and marks_private(item)):
            return False
        waiting.append((item, depth))
    return True


class _Name(Enum):
    """What the name of a value says about it."""

    PLAIN = 0
    MARKER = 1
    PRIVATE = 2


def _kind(name: str) -> _Name:
    if looks_private(name) or not is_unicode(name):
        return _Name.PRIVATE
    return _Name.MARKER if is_marker(name) else _Name.PLAIN


# Names repeat inside a document. Long ones are not cached, which bounds the cache in bytes.
_known_kind = lru_cache(maxsize=4096)(_kind)


def _clean_text(value: str) -> bool:
    return (value.isascii() or is_unicode(value)) and not private_tag(value)


def is_unicode(value: str) -> bool:
    """True for a text without lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in value)
