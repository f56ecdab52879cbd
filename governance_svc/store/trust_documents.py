"""Trust projections as documents: an object, in which each item of evidence is an array."""

import json
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from cattrs import Converter

from governance_svc.domain.trust.evidence import Denial, HealthSummary, Review, TaskOutcome
from governance_svc.domain.trust.projection import TrustProjection

ITEMS: Final = (TaskOutcome, Denial, HealthSummary, Review)


def document_of(projection: TrustProjection) -> str:
    """The document of ``projection``; items are arrays, since field names would triple its size."""
    return json.dumps(_DOCUMENTS.unstructure(projection), separators=(",", ":"))


def projection_of(document: str) -> TrustProjection:
    """The projection in a document that `document_of` made."""
    return _DOCUMENTS.structure(json.loads(document), TrustProjection)


def _converter() -> Converter:
    documents = Converter(detailed_validation=False)
    for kind in ITEMS:
        names = [field.name for field in fields(kind)]
        documents.register_unstructure_hook(kind, _writer(names))
        documents.register_structure_hook(kind, _reader(names.index("at")))
    return documents


def _writer(names: list[str]) -> Callable[[Any], list[Any]]:
    """Writes an item as the values of its fields, in order, its instant as ISO 8601 text."""
    values, at = attrgetter(*names), names.index("at")

    def write(item: Any) -> list[Any]:
        found = list(values(item))
        found[at] = found[at].isoformat()
        return found

    return write


def _reader(at: int) -> Callable[[list[Any], type[Any]], Any]:
    """Reads an item from the values of its fields, of which the one at ``at`` is its instant."""

    def read(values: list[Any], kind: type[Any]) -> Any:
        return kind(*values[:at], datetime.fromisoformat(values[at]), *values[at + 1 :])

    return read


_DOCUMENTS: Final = _converter()
