"""Finds in a context document which obligations it records decisions for."""

from collections.abc import Mapping

from phoenix_runtime.core.json import Json, JsonObject

LONGEST_ID = 128
"""Characters of an obligation's id at most, as assignment_svc has it."""


def decided_obligations(document: JsonObject) -> tuple[str, ...]:
    """The ids of the obligations for which ``decisions`` holds an entry that decides something.

    Such an entry is an object with the id under ``obligation`` and at least one other value, which
    says what was decided: ``{"obligation": "…", "decision": "…"}``. An id alone decides nothing.
    """
    decisions = document.get("decisions")
    if not isinstance(decisions, list | tuple):
        return ()
    return tuple(sorted({found for one in decisions if (found := _decided(one))}))


def _decided(entry: Json) -> str:
    """The obligation that an entry decides; empty where it decides none."""
    if not isinstance(entry, Mapping):
        return ""
    identity = entry.get("obligation")
    if not isinstance(identity, str) or len(identity) > LONGEST_ID:
        return ""
    others = (value for name, value in entry.items() if name != "obligation")
    return identity if any(_says_something(value) for value in others) else ""


def _says_something(value: Json) -> bool:
    """Whether a value is more than null, blank text, or an empty list or object."""
    if isinstance(value, str):
        return bool(value.strip())
    return value is not None and value not in ([], (), {})
