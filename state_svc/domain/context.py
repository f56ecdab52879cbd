"""What a context document may hold (paper, section 10): operational facts, never private reasoning.

The document is a JSON object whose top-level names are kinds. Every violation of a document is
collected, so that a caller repairs it once.
"""

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from phoenix_runtime.core.errors import FieldInvalid, TooLarge, Violation
from phoenix_runtime.core.json import Json, JsonObject, NotCanonical, bytes_hash, canonical

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

LARGEST = 1 << 20
"""Bytes of the canonical form, where the settings do not say otherwise."""

DEEPEST = 24
"""Levels of nesting. The wire's own parser stops at about 32, without saying where."""

NUMBER_LIMIT = 1 << 53
"""From here on neighbouring integers are one and the same double, so a hash would lie."""

MOST_VIOLATIONS = 16
"""Named at once; what is beyond is counted: an error has to fit into the 8 KiB of trailers."""

LONGEST_PATH = 64

# Stems that give a private trace away wherever they stand in a name: agent_scratchpad,
# modelChainOfThought, hidden_states_layer_3.
_STEMS = (
    "chainofthought",
    "scratchpad",
    "hiddenstate",
    "hiddenreasoning",
    "privatereasoning",
    "internalreasoning",
    "rawreasoning",
    "innermonologue",
    "internalmonologue",
    "reasoningtrace",
    "reasoningcontent",
    "reasoningdetails",
    "reasoningtokens",
    "reasoningsteps",
    "thoughtprocess",
    "thinkingblock",
    "thinkingcontent",
    "redactedthinking",
    "privatethought",
    "modelactivations",
)
# Words that mean it only when they are the whole name.
_WORDS = frozenset(
    {
        "cot",
        "think",
        "thinking",
        "thought",
        "thoughts",
        "reasoning",
        "logits",
        "logprobs",
        "kvcache",
        "activations",
    }
)
_MARKERS = frozenset({"type", "kind", "role", "channel"})
_MARKED = frozenset({"thinking", "redactedthinking", "reasoning", "thought"})
_TAG = re.compile(r"<\s*(think|thinking|thoughts?|scratchpad|reasoning)\s*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ContextDocument:
    """A document that has passed every rule, with its canonical bytes and their hash."""

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


def looks_private(name: str) -> bool:
    """True where ``name`` is one under which frameworks keep a model's private reasoning."""
    bare = _bare(name)
    return bare in _WORDS or any(stem in bare for stem in _STEMS)


def _violations(document: JsonObject) -> Iterator[Violation]:
    """Everything wrong with ``document``, in the order of the document."""
    if any(kind not in KINDS and not looks_private(kind) for kind in document):
        yield Violation("context", f"holds only these kinds: {', '.join(sorted(KINDS))}")
    for kind, value in document.items():
        path = f"context.{kind}"
        if kind not in KINDS and not looks_private(kind):
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
        if _bare(name) in _MARKERS and isinstance(item, str) and _bare(item) in _MARKED:
            yield Violation(_shown(here), f"marks private reasoning ({item!r}): {_ADVICE}")
        yield from _inside(item, here, depth + 1)


_ADVICE = "store a summary under reasoning_summaries instead"


def _named(name: str, path: str) -> Iterator[Violation]:
    """A violation where the name itself gives private reasoning away or has no canonical form."""
    if looks_private(name):
        yield Violation(_shown(path), f"looks like private reasoning: {_ADVICE}")
    yield from _surrogates(name, path)


def _text(value: str, path: str) -> Iterator[Violation]:
    """Violations of a string: tags under which models write their reasoning, lone surrogates."""
    tag = _TAG.search(value)
    if tag is not None:
        yield Violation(_shown(path), f"holds private reasoning ({tag.group()}): {_ADVICE}")
    yield from _surrogates(value, path)


def _surrogates(value: str, path: str) -> Iterator[Violation]:
    """A violation where ``value`` is no Unicode text."""
    if any("\ud800" <= character <= "\udfff" for character in value):
        yield Violation(_shown(path), "is no Unicode text")


def _number(value: float, path: str) -> Iterator[Violation]:
    """A violation where a number would not survive its own hash."""
    if not math.isfinite(value):
        yield Violation(_shown(path), "is NaN or infinite; JSON has no such number")
    elif abs(value) >= NUMBER_LIMIT:
        yield Violation(_shown(path), "is beyond ±2^53; send it as a string")


def _bare(name: str) -> str:
    """``name`` as it sounds: no case, no separators, compatibility forms folded."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in folded if character.isalnum())


def _shown(path: str) -> str:
    """``path`` as it may travel in an error: printable ASCII and short."""
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
        named.append(Violation("context", f"and {more} more violations"))
    return named
