"""Folded evidence as a document in its row."""

import json
from dataclasses import fields
from datetime import datetime
from typing import Any

from governance_svc.domain.trust.evidence import Denial, HealthSummary, Review, TaskOutcome
from governance_svc.domain.trust.projection import Folded

ITEMS: dict[str, type[TaskOutcome] | type[Denial] | type[HealthSummary] | type[Review]] = {
    "outcomes": TaskOutcome,
    "denials": Denial,
    "health": HealthSummary,
    "reviews": Review,
}
TEXTS = ("method", "owner", "registration", "trust_policy")


def document_of(folded: Folded) -> str:
    """The document of ``folded``: each item as its fields in order."""
    document: dict[str, Any] = {name: getattr(folded, name) for name in TEXTS}
    document["capabilities"] = folded.capabilities
    for name in ITEMS:
        document[name] = [_values(item) for item in getattr(folded, name)]
    return json.dumps(document, separators=(",", ":"))


def folded_of(text: str) -> Folded:
    """The evidence in such a document."""
    document = json.loads(text)
    items: dict[str, Any] = {
        name: tuple(_item(kind, values) for values in document[name])
        for name, kind in ITEMS.items()
    }
    texts = {name: document[name] for name in TEXTS}
    return Folded(**texts, capabilities=tuple(document["capabilities"]), **items)


def _values(item: Any) -> list[Any]:
    found = [getattr(item, field.name) for field in fields(item)]
    return [value.isoformat() if isinstance(value, datetime) else value for value in found]


def _item(kind: type[Any], values: list[Any]) -> Any:
    named = dict(zip((field.name for field in fields(kind)), values, strict=True))
    return kind(**{**named, "at": datetime.fromisoformat(named["at"])})
