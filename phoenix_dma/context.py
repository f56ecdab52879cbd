"""A task's context as a handler sees it, and how a checkpoint is made of it (paper, section 10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from phoenix_dma.wire.context_kinds import CONTEXT_KINDS


class Context(dict[str, Any]):
    """The content at a ``phoenix://`` address: a dict with its address, hash and version.

    Version 0 is the submitted input as it stands; from version 1 on a document of `CONTEXT_KINDS`,
    as it was checkpointed.
    """

    def __init__(
        self, content: Mapping[str, Any], *, ref: str = "", content_hash: str = "", version: int = 0
    ) -> None:
        super().__init__(content)
        self.ref = ref
        self.hash = content_hash
        self.version = version

    @property
    def inputs(self) -> Any:
        """What was submitted, at any version."""
        return dict(self) if self.version == 0 else self.get("inputs", {})

    @property
    def outputs(self) -> Any:
        """What has been found so far; None before the first checkpoint."""
        return None if self.version == 0 else self.get("outputs")


NOTHING: Final[Any] = object()
"""Stands for a value that was not given, as None is a value."""


def document_of(
    base: Mapping[str, Any], value: Any = NOTHING, kinds: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The document of a checkpoint: ``base`` with what is new.

    A `Context` from version 1 on takes the place of ``base``; any other value is filed under
    ``outputs``; ``kinds`` are filed under their names. Raises ValueError for an unknown kind.
    """
    unknown = sorted(set(kinds or {}) - CONTEXT_KINDS)
    if unknown:
        raise ValueError(
            f"a context holds no {', '.join(unknown)}; only {', '.join(sorted(CONTEXT_KINDS))}"
        )
    if isinstance(value, Context) and value.version > 0:
        return {**value, **(kinds or {})}
    made = dict(base)
    if value is not NOTHING:
        made["outputs"] = value
    return {**made, **(kinds or {})}


def with_decisions(document: dict[str, Any], new: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``document`` with ``new`` entries in its list of decisions; a single value there is kept."""
    if not new:
        return document
    found = document.get("decisions", [])
    return {**document, "decisions": [*(found if isinstance(found, list) else [found]), *new]}
