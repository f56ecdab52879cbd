"""What the catalogue marks as secret: content that policy is not shown, and no record keeps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from phoenix_runtime.core.json import Json
from phoenix_runtime.core.policy_inputs.bounded import SECRET, Hidden, placeholder
from phoenix_runtime.core.policy_inputs.shapes import ITEM, Path


@dataclass(frozen=True, slots=True)
class SecretMark:
    """Fields that are secret; without fields the whole content is.

    A field without a dot is meant at any depth; with dots it names the end of a path. ``kind`` and
    ``name`` limit the mark to such operations, ``domain`` to operations and tasks in that domain;
    empty ones do not limit it.
    """

    fields: tuple[str, ...] = ()
    kind: str = ""
    name: str = ""
    domain: str = ""

    @property
    def unlimited(self) -> bool:
        """Whether it holds for every operation."""
        return not (self.kind or self.name or self.domain)

    def hides(self, path: Sequence[str]) -> bool:
        """Whether what stands at ``path`` within the content is secret."""
        names = tuple(step for step in path if step != ITEM)
        return any(_ends(names, tuple(one.split("."))) for one in self.fields)


KEYS: Final = ("fields", "kind", "name", "domain")


@dataclass(frozen=True, slots=True)
class ContentFacts:
    """The kind, name and domains of what content belongs to.

    None where it is not known: then every mark applies.
    """

    kind: str | None
    name: str | None
    domains: frozenset[str] | None

    def meant_by(self, mark: SecretMark) -> bool:
        """Whether ``mark`` is about this content."""
        limits = (
            _within(mark.kind, None if self.kind is None else {self.kind}),
            _within(mark.name, None if self.name is None else {self.name}),
            _within(mark.domain, self.domains),
        )
        return all(limits)


def redacted(value: Json, at: Path, marks: Sequence[SecretMark]) -> tuple[Json, tuple[Hidden, ...]]:
    """``value`` at the path ``at`` without what ``marks`` make secret, and where that was."""
    if not marks:
        return value, ()
    if any(not mark.fields for mark in marks):
        return placeholder(value, SECRET), ((at, SECRET),)
    hidden: dict[Hidden, None] = {}
    shown = _redacted(value, (), (at, marks, hidden))
    return shown, tuple(hidden)


def _redacted(
    value: Json, path: Path, task: tuple[Path, Sequence[SecretMark], dict[Hidden, None]]
) -> Json:
    at, marks, hidden = task
    if path and any(mark.hides(path) for mark in marks):
        hidden[(*at, *path), SECRET] = None
        return placeholder(value, SECRET)
    if isinstance(value, Mapping):
        return {key: _redacted(one, (*path, key), task) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(one, (*path, ITEM), task) for one in value]
    return value


def _ends(path: tuple[str, ...], end: tuple[str, ...]) -> bool:
    return path[-len(end) :] == end


def _within(wanted: str, known: set[str] | frozenset[str] | None) -> bool:
    return not wanted or known is None or wanted in known


def unconditional(marks: Sequence[SecretMark], read: Path) -> Iterator[str]:
    """The secret fields on the way of ``read``, a path within content, that are always hidden."""
    for mark in marks:
        if mark.unlimited:
            yield from (
                ".".join(read[:end]) for end in range(1, len(read) + 1) if mark.hides(read[:end])
            )
