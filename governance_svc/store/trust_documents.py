"""Trust projections as documents: an object, in which each item of evidence is an array."""

import json
from datetime import datetime
from typing import Final

from cattrs import Converter, UnstructureStrategy

from governance_svc.domain.trust.evidence import Denial, HealthSummary, Review, TaskOutcome
from governance_svc.domain.trust.projection import TrustProjection

ITEMS: Final = (TaskOutcome, Denial, HealthSummary, Review)


def document_of(projection: TrustProjection) -> str:
    """The document of ``projection``; items are arrays, since field names would triple its size."""
    return json.dumps(_DOCUMENTS.unstructure(projection), separators=(",", ":"))


def projection_of(document: str) -> TrustProjection:
    """The projection in a document that `document_of` made."""
    return _DOCUMENTS.structure(json.loads(document), TrustProjection)


def _item_converter() -> Converter:
    items = Converter(unstruct_strat=UnstructureStrategy.AS_TUPLE)
    items.register_unstructure_hook(datetime, datetime.isoformat)
    items.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    return items


def _document_converter(items: Converter) -> Converter:
    documents = Converter(detailed_validation=False)
    for kind in ITEMS:
        documents.register_unstructure_hook(kind, items.unstructure)
        documents.register_structure_hook(kind, items.structure)
    return documents


_DOCUMENTS: Final = _document_converter(_item_converter())
