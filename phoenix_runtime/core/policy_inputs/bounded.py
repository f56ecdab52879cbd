"""Bounds the content in a policy input: what is too large is said to be hidden, with its hash."""

from collections.abc import Iterable, Mapping
from typing import Final

from phoenix_runtime.core.json import Json, JsonObject, bytes_hash, canonical
from phoenix_runtime.core.policy_inputs.shapes import Path, dotted

LARGEST_CONTENT: Final = 64 * 1024
"""The largest canonical content, in bytes, that policy is shown: that of an action always fits."""

SECRET: Final = "secret"  # noqa: S105  # a reason, no password
TOO_LARGE: Final = "too_large"

Hidden = tuple[Path, str]
"""Where something is hidden, and why: `SECRET` or `TOO_LARGE`."""


def placeholder(value: Json, because: str) -> JsonObject:
    """What policy is shown in place of ``value``."""
    content = canonical(value)
    return {"hidden": because, "bytes": len(content), "hash": bytes_hash(content)}


def bounded(value: JsonObject, at: Path) -> tuple[JsonObject, tuple[Hidden, ...]]:
    """``value`` at the path ``at`` within `LARGEST_CONTENT`, and what is hidden of it.

    The smallest fields are kept whole; each field that does not fit is replaced by a placeholder.
    The same content is always shown in the same way. Raises `NotCanonical`.
    """
    if len(canonical(value)) <= LARGEST_CONTENT:
        return value, ()
    sizes = sorted((len(canonical(one)), name) for name, one in value.items())
    shown: dict[str, Json] = {}
    hidden: list[Hidden] = []
    left = LARGEST_CONTENT
    for size, name in sizes:
        left -= size + len(name.encode())
        if left < 0:
            hidden.append(((*at, name), TOO_LARGE))
        shown[name] = value[name] if left >= 0 else placeholder(value[name], TOO_LARGE)
    if len(canonical(shown)) > 2 * LARGEST_CONTENT:  # a great many fields, each a placeholder
        return placeholder(value, TOO_LARGE), ((at, TOO_LARGE),)
    return shown, tuple(sorted(hidden))


def hidden_documents(hidden: Iterable[Hidden]) -> list[Json]:
    """``hidden`` as it stands in an input."""
    return [
        {"path": dotted(path), "steps": list(path), "because": because} for path, because in hidden
    ]


def content_input(value: JsonObject, *at: str) -> tuple[JsonObject, dict[str, Json]]:
    """What of the content at the path ``at`` a service sends, and the field `hidden` beside it."""
    shown, hidden = bounded(value, at)
    return shown, {"hidden": hidden_documents(hidden)}


def merged(target: Mapping[str, Json], path: Path, value: Json) -> dict[str, Json]:
    """``target`` with ``value`` at ``path``; the objects on the way are copied."""
    head, *rest = path
    inner = target.get(head)
    below = merged(inner, tuple(rest), value) if rest and isinstance(inner, Mapping) else value
    return {**target, head: below}
