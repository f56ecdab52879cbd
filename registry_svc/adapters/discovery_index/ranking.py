"""Ranks those who match, many at once, and sorts only as many as are taken.

The same steps in the same order as `domain.ranking.places`, on columns: the same bits come out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from registry_svc.adapters.discovery_index.columns import Columns, Flags, Numbers, Values
from registry_svc.domain.ranking import BILLION, UNKNOWN, Place, RankWeights, Scale

SUSPECT: Final = 1 << 40
"""Added to the key of the suspect: more than anybody can lack."""

Show = Callable[[Sequence[int], Scale], list[Place]]


@dataclass(frozen=True, slots=True)
class After:
    """The key and the label after which a page begins."""

    key: int
    label: int


class ColumnRanking:
    """Implements `domain.discovery_index.Ranking`. ``show`` makes the places of some rows."""

    def __init__(
        self,
        numbers: Numbers,
        columns: Columns,
        weights: RankWeights,
        after: After | None,
        show: Show,
    ) -> None:
        self._show = show
        latency, cost = columns.latency[numbers], columns.cost[numbers]
        self.scale = Scale(cost=_highest(cost), latency=_highest(latency))
        expected = (
            columns.merit[numbers]
            + weights.latency * _latency_values(latency, self.scale.latency)
            + weights.cost * _cost_values(cost, self.scale.cost)
        )
        keys = np.rint((1.0 - expected) * BILLION).astype(np.int64)
        self._keys: Numbers = keys + columns.suspect[numbers] * SUSPECT
        self._labels: Numbers = columns.label[numbers]
        self._numbers = numbers
        self._selected = self._sorted = False
        if after is not None:
            self._keep(_behind(self._keys, self._labels, after))

    @property
    def left(self) -> int:
        """See the port."""
        return len(self._numbers)

    def take(self, most: int) -> list[Place]:
        """See the port. The first part is selected; for further ones the rest is sorted once."""
        if self._selected or most >= self.left:
            self._sort()
            taken = self._numbers[:most]
            self._keep(slice(most, None))
        else:
            self._selected = True
            least = _least(self._keys, self._labels, most)
            order = np.lexsort((self._labels[least], self._keys[least]))
            taken = self._numbers[least][order]
            self._keep(~least)
        return self._show(taken.tolist(), self.scale)

    def _sort(self) -> None:
        if not self._sorted:
            self._keep(np.lexsort((self._labels, self._keys)))
            self._sorted = True

    def _keep(self, chosen: Flags | Numbers | slice) -> None:
        self._keys, self._labels = self._keys[chosen], self._labels[chosen]
        self._numbers = self._numbers[chosen]


def _highest(values: Values) -> float:
    """The highest value; 0 where nobody has any."""
    return max(float(values.max()), 0.0) if len(values) else 0.0


def _latency_values(latency: Values, slowest: float) -> Values:
    if slowest == 0.0:
        return np.ones_like(latency)
    known = np.maximum(0.0, 1.0 - np.maximum(0.0, latency) / slowest)
    return np.where(latency < 0.0, UNKNOWN, known)


def _cost_values(cost: Values, highest: float) -> Values:
    return np.ones_like(cost) if highest == 0.0 else np.maximum(0.0, 1.0 - cost / highest)


def _behind(keys: Numbers, labels: Numbers, after: After) -> Flags:
    behind: Flags = (keys > after.key) | ((keys == after.key) & (labels > after.label))
    return behind


def _least(keys: Numbers, labels: Numbers, most: int) -> Flags:
    """The ``most`` rows with the lowest keys; of equal keys those with the lowest labels."""
    last = np.partition(keys, most - 1)[most - 1]
    chosen: Flags = keys < last
    ties = np.flatnonzero(keys == last)
    wanted = most - int(np.count_nonzero(chosen))
    if wanted < len(ties):
        ties = ties[np.argpartition(labels[ties], wanted - 1)[:wanted]]
    chosen[ties] = True
    return chosen
