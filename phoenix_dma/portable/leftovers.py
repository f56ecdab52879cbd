"""What a target could not use of a portable context: named, and recorded as a decision.

The audit holds a checkpoint's hash and version, so what a checkpoint names is in the lineage by
its content.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from phoenix_dma.portable.document import PortableContext

PARTS: Final = ("messages", "artifacts", "decisions", "open_questions", "plan")
"""What an adapter may use, beside the objective and its framework's own private state."""
SUMMARY: Final = "left unused by the target's adapter"


@dataclass(frozen=True, slots=True)
class Reader:
    """An adapter as one that reads portable contexts: its framework, version, and what it uses.

    ``uses`` are names of `PARTS`; ``content`` are the types of parts of messages that it takes
    beside text, such as ``image_url``.
    """

    framework: str
    version: str
    uses: frozenset[str]
    content: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        unknown = sorted(self.uses - set(PARTS))
        if unknown:
            raise ValueError(f"uses is of {', '.join(PARTS)}, not {', '.join(unknown)}")


@dataclass(frozen=True, slots=True)
class Unused:
    """One thing that a target could not use: its path in the portable context, and why."""

    path: str
    why: str


def unused(portable: PortableContext, reader: Reader) -> tuple[Unused, ...]:
    """What ``reader`` cannot use of ``portable``; an adapter records it by `with_unused`."""
    return tuple(_unused(portable, reader))


def _unused(portable: PortableContext, reader: Reader) -> Iterator[Unused]:
    for part in PARTS:
        if getattr(portable, part) and part not in reader.uses and not _only_ours(portable, part):
            yield Unused(part, f"{reader.framework} has no place for it")
    if "messages" in reader.uses:
        yield from _parts(portable, reader.content)
    for state in portable.private:
        if state.framework != reader.framework:
            yield Unused(f"private[{state.framework}]", f"only {state.framework} reads it")
        elif _major(state.version) != _major(reader.version):
            why = f"written by {state.framework} {state.version}, read by {reader.version}"
            yield Unused(f"private[{state.framework}]", why)


def _parts(portable: PortableContext, taken: Collection[str]) -> Iterator[Unused]:
    for at, message in enumerate(portable.messages):
        for index, kind in message.other_parts():
            if kind not in taken:
                yield Unused(f"messages[{at}].content[{index}]", f"{kind} is not taken")


def _only_ours(portable: PortableContext, part: str) -> bool:
    """Whether the decisions say nothing but what was left unused before."""
    return part == "decisions" and all(map(_is_record, portable.decisions))


def _is_record(decision: Any) -> bool:
    return isinstance(decision, Mapping) and decision.get("decision") == SUMMARY


def _major(version: str) -> str:
    return version.partition(".")[0]


def with_unused(
    decisions: Iterable[Any], found: Iterable[Unused], reader: Reader
) -> tuple[Any, ...]:
    """``decisions``, and the entry that names what ``reader`` could not use, once."""
    named = [{"path": one.path, "why": one.why} for one in found]
    kept = tuple(decisions)
    entry = {
        "decision": SUMMARY,
        "framework": reader.framework,
        "version": reader.version,
        "unused": named,
    }
    return kept if not named or entry in kept else (*kept, entry)
