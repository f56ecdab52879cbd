"""Checks context documents (paper, section 10): operational facts, never private reasoning.

A document is a JSON object whose top-level names are the kinds of context. All violations of a
document are reported at once, so that its author repairs it once.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from phoenix_runtime.core.errors import FieldInvalid, TooLarge, Violation
from phoenix_runtime.core.json import (
    Json,
    JsonObject,
    NotCanonical,
    bytes_hash,
    canonical,
    is_exact,
)
from phoenix_runtime.core.wire import CONTEXT_KINDS, counted
from state_svc.domain.quick_check import DEEPEST, is_clean, is_unicode
from state_svc.domain.reasoning import is_marker, looks_private, marks_private, private_tag

LARGEST = 1 << 20
"""Bytes of the canonical form, where the settings do not say otherwise."""

MOST_VIOLATIONS = 16
"""Violations named in one refusal, which has to fit into 8 KiB of trailers; the rest is counted."""

LONGEST_PATH = 64


@dataclass(frozen=True, slots=True)
class ContextDocument:
    """A valid document: its canonical bytes and their hash."""

    content: bytes
    hash: str

    @property
    def size(self) -> int:
        """Bytes of the canonical form."""
        return len(self.content)


def context_document(document: JsonObject, *, largest: int = LARGEST) -> ContextDocument:
    """The canonical form of ``document``.

    Raises `FieldInvalid` with every violation at once, `TooLarge` above ``largest`` bytes.
    """
    if not is_clean(document):
        violations = _bounded(_violations(document))
        if violations:
            raise FieldInvalid(violations)
    try:
        content = canonical(document)
    except NotCanonical as error:
        raise FieldInvalid([Violation("context", f"has no canonical form: {error}")]) from error
    if len(content) > largest:
        raise TooLarge("context", size=len(content), limit=largest)
    return ContextDocument(content, bytes_hash(content))


def _violations(document: JsonObject) -> Iterator[Violation]:
    """Everything wrong with ``document``, in the order of the document."""
    if any(kind not in CONTEXT_KINDS and not looks_private(kind) for kind in document):
        yield Violation("context", f"holds only these kinds: {', '.join(sorted(CONTEXT_KINDS))}")
    for kind, value in document.items():
        path = f"context.{kind}"
        if kind not in CONTEXT_KINDS and not looks_private(kind):
            yield Violation(_shown(path), "is no kind of context")
        yield from _named(kind, path)
        yield from _inside(value, path, 1)


def _inside(value: Json, path: str, depth: int) -> Iterator[Violation]:
    """Everything wrong at and below ``value``."""
    if isinstance(value, str):
        yield from _text(value, path)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        yield from _number(value, path)
    elif depth >= DEEPEST:
        yield Violation(_shown(path), f"is nested deeper than {DEEPEST} levels")
    elif isinstance(value, Mapping):
        yield from _object(value, path, depth)
    else:
        for index, item in enumerate(value):
            yield from _inside(item, f"{path}[{index}]", depth + 1)


def _object(value: JsonObject, path: str, depth: int) -> Iterator[Violation]:
    """Everything wrong inside an object below the top level."""
    for name, item in value.items():
        here = f"{path}.{name}"
        yield from _named(name, here)
        if is_marker(name) and marks_private(item):
            yield Violation(_shown(here), f"marks private reasoning ({item!r}): {_ADVICE}")
        yield from _inside(item, here, depth + 1)


_ADVICE = "store a summary under reasoning_summaries instead"


def _named(name: str, path: str) -> Iterator[Violation]:
    """A violation where the name stands for private reasoning or has no canonical form."""
    if looks_private(name):
        yield Violation(_shown(path), f"looks like private reasoning: {_ADVICE}")
    yield from _surrogates(name, path)


def _text(value: str, path: str) -> Iterator[Violation]:
    """Violations of a string: tags of private reasoning, lone surrogates."""
    tag = private_tag(value)
    if tag:
        yield Violation(_shown(path), f"holds private reasoning ({tag}): {_ADVICE}")
    yield from _surrogates(value, path)


def _surrogates(value: str, path: str) -> Iterator[Violation]:
    """A violation where ``value`` is no Unicode text."""
    if not is_unicode(value):
        yield Violation(_shown(path), "is no Unicode text")


def _number(value: Any, path: str) -> Iterator[Violation]:
    """A violation where a number has no exact canonical form."""
    if isinstance(value, float) and not math.isfinite(value):
        yield Violation(_shown(path), "is NaN or infinite; JSON has no such number")
    elif not is_exact(value):
        yield Violation(_shown(path), "is an integer that no double carries; send it as a string")


def _shown(path: str) -> str:
    """``path`` for an error text: printable ASCII, at most `LONGEST_PATH` characters."""
    safe = path.encode("ascii", "backslashreplace").decode()
    safe = "".join(c if c.isprintable() else "?" for c in safe)
    return safe if len(safe) <= LONGEST_PATH else f"{safe[: LONGEST_PATH - 1]}…"


def _bounded(violations: Iterator[Violation]) -> list[Violation]:
    """The first violations, and how many more there are."""
    named: list[Violation] = []
    more = 0
    for violation in violations:
        if len(named) < MOST_VIOLATIONS:
            named.append(violation)
        else:
            more += 1
    if more:
        named.append(Violation("context", f"and {counted(more, 'more violation')}"))
    return named
