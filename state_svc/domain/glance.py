"""The quick look at a document: whether there is anything to complain about at all."""

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import lru_cache

from phoenix_runtime.core.json import Json, JsonObject
from state_svc.domain.reasoning import is_marker, looks_private, marks_private, private_tag

KINDS = frozenset(
    {
        "objective",
        "messages",
        "inputs",
        "outputs",
        "tool_calls",
        "tool_outputs",
        "artifacts",
        "data_references",
        "memory_references",
        "reasoning_summaries",
        "decisions",
        "approvals",
        "obligations",
        "constraints",
        "metadata",
    }
)
"""The kinds that section 10 lists; anything else is refused by name."""

DEEPEST = 24
"""Levels of nesting. The wire's own parser stops at about 32, without saying where."""

NUMBER_LIMIT = 1 << 53
"""From here on neighbouring integers are one and the same double, so a hash would lie."""

LONGEST_KEPT = 64
"""Characters of a name that is remembered; so the memory has a bound in bytes too."""


def looks_clean(document: JsonObject) -> bool:
    """True where the thorough look of `context_document` would find nothing.

    Ten times quicker, as it keeps no paths: nearly every document passes, and one of 1 MiB would
    hold everybody else up for a third of a second.
    """
    if not document.keys() <= KINDS:
        return False
    waiting: list[tuple[Json, int]] = [(value, 1) for value in document.values()]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str):
            if not _clean_text(value):
                return False
        elif isinstance(value, int | float):
            if not abs(value) < NUMBER_LIMIT:  # so put, NaN is refused as well
                return False
        elif value is not None and (depth >= DEEPEST or not _push_parts(value, depth + 1, waiting)):
            return False
    return True


def _push_parts(
    value: Sequence[Json] | JsonObject, depth: int, waiting: list[tuple[Json, int]]
) -> bool:
    """Put what is inside ``value`` on the pile; False where a name forbids it."""
    if not isinstance(value, Mapping):
        waiting.extend([(item, depth) for item in value])
        return True
    for name, item in value.items():
        kind = _known_kind(name) if len(name) <= LONGEST_KEPT else _kind(name)
        if kind is _Name.PRIVATE or (kind is _Name.MARKER and marks_private(item)):
            return False
        waiting.append((item, depth))
    return True


class _Name(Enum):
    """What a name says of its value."""

    PLAIN = 0
    MARKER = 1
    PRIVATE = 2


def _kind(name: str) -> _Name:
    if looks_private(name) or not is_unicode(name):
        return _Name.PRIVATE
    return _Name.MARKER if is_marker(name) else _Name.PLAIN


# The names of a document repeat; long ones are not kept, so the cache has a size in bytes too.
_known_kind = lru_cache(maxsize=4096)(_kind)


def _clean_text(value: str) -> bool:
    return (value.isascii() or is_unicode(value)) and not private_tag(value)


def is_unicode(value: str) -> bool:
    """True for a text without lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in value)
