"""Recognises private reasoning by the names, markers and tags under which frameworks store it.

The paper wants operationally valid context and no chain of thought (section 10). Its meaning cannot
be checked, so the names are.
"""

import re
import unicodedata

# Stems of private reasoning anywhere in a name: agent_scratchpad, modelChainOfThought,
# hidden_states_layer_3.
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
# Words that stand for private reasoning only as a whole name.
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
    """True for a name under which frameworks store a model's private reasoning."""
    bare = _bare(name)
    return bare in _WORDS or any(stem in bare for stem in _STEMS)


def is_marker(name: str) -> bool:
    """True for a name whose value gives the type of its block, such as ``type`` or ``role``."""
    return _bare(name) in _MARKERS


def marks_private(value: object) -> bool:
    """True where the value of such a name marks its block as private reasoning."""
    return isinstance(value, str) and _bare(value) in _MARKED


def private_tag(text: str) -> str:
    """The first tag of private reasoning in ``text`` (``<think>``); empty without one."""
    found = _TAG.search(text) if "<" in text else None
    return found.group() if found is not None else ""


def _bare(name: str) -> str:
    """``name`` without case, separators and compatibility forms."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in folded if character.isalnum())
