"""Bounds and redacts the content of an input, before policy sees it and its hash is taken."""

from collections.abc import Mapping

from governance_svc.domain.catalogue.catalogue import Catalogue
from governance_svc.domain.catalogue.secrets import ContentFacts, redacted
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.policy_inputs.bounded import (
    Hidden,
    bounded,
    hidden_documents,
    merged,
)
from phoenix_runtime.core.policy_inputs.points import CONTENT
from phoenix_runtime.core.policy_inputs.shapes import Path
from phoenix_runtime.core.verdict import DecisionPoint


def visible(point: DecisionPoint, policy_input: JsonObject, catalogue: Catalogue) -> JsonObject:
    """``policy_input`` as policy may see it; ``hidden`` lists what is not shown, and why.

    Raises `NotCanonical` for content without a canonical form.
    """
    shown: JsonObject = policy_input
    hidden: list[Hidden] = []
    facts = _facts(point, policy_input, catalogue)
    marks = [mark for mark in catalogue.secrets if facts.meant_by(mark)]
    for path in CONTENT.get(point, ()):
        value = _at(policy_input, path)
        if not isinstance(value, Mapping):
            continue
        value, secret = redacted(value, path, marks)
        value, large = bounded(value, path) if isinstance(value, Mapping) else (value, ())
        hidden += [*secret, *large]
        shown = merged(shown, path, value) if secret or large else shown
    if point not in CONTENT:
        return shown
    said = policy_input.get("hidden")
    return {
        **shown,
        "hidden": [*(said if isinstance(said, list) else []), *hidden_documents(hidden)],
    }


def hidden_paths(policy_input: JsonObject) -> tuple[Path, ...]:
    """The paths that ``hidden`` lists."""
    listed = policy_input.get("hidden")
    return tuple(
        tuple(str(step) for step in steps)
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, Mapping) and isinstance(steps := one.get("steps"), list)
    )


def _at(value: Json, path: Path) -> Json:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _facts(point: DecisionPoint, one: JsonObject, catalogue: Catalogue) -> ContentFacts:
    """What the content belongs to: an operation's own domain, else all domains of the task."""
    if point is DecisionPoint.DECIDE_APPROVAL:
        return ContentFacts(None, _text(_at(one, ("approval", "action"))), None)
    found = _at(one, ("task", "data_domains"))
    names = [name for name in found if isinstance(name, str)] if isinstance(found, list) else []
    if point is not DecisionPoint.OPERATE:
        return ContentFacts("", "", catalogue.expand(names))
    domain = _text(one.get("domain"))
    touched = catalogue.expand([domain] if domain else names)
    return ContentFacts(_text(one.get("kind")), _text(one.get("name")), touched)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
