"""What gives private reasoning away: names, marks and tags that frameworks keep it under.

The paper wants operationally valid context and no chain of thought (section 10). Nobody can tell
by its meaning, so it is told by the names under which models and frameworks write it down.
"""

import re
import unicodedata

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


def looks_private(name: str) -> bool:
    """True where ``name`` is one under which frameworks keep a model's private reasoning."""
    bare = _bare(name)
    return bare in _WORDS or any(stem in bare for stem in _STEMS)


def is_marker(name: str) -> bool:
    """True where ``name`` is one whose value says what a block is, such as ``type``."""
    return _bare(name) in _MARKERS


def marks_private(value: object) -> bool:
    """True where the value of a marker says that its block is private reasoning."""
    return isinstance(value, str) and _bare(value) in _MARKED


def private_tag(text: str) -> str:
    """The first tag in ``text`` under which models write their reasoning; empty without one."""
    found = _TAG.search(text) if "<" in text else None
    return found.group() if found is not None else ""


def _bare(name: str) -> str:
    """``name`` as it sounds: no case, no separators, compatibility forms folded."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in folded if character.isalnum())
