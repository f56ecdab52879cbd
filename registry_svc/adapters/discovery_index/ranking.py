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
HEAD: Final = 64
"""Rows that are selected at first; whoever takes more has all sorted."""

Show = Callable[[Sequence[int], Scale], list[Place]]


@dataclass(frozen=True, slots=True)
class After:
    """The key and the label after which a page begins."""

    key: int
    label: int


class Order:
    """The order of some rows at one moment: the best of them, and all where more are asked for."""

    def __init__(
        self, numbers: Numbers, columns: Columns, bonuses: Values, weights: RankWeights
    ) -> None:
        latency, cost = columns.latency[numbers], columns.cost[numbers]
        self.scale = Scale(cost=_highest(cost), latency=_highest(latency))
        expected = (
            columns.merit[numbers]
            + bonuses
            + weights.latency * _latency_values(latency, self.scale.latency)
            + weights.cost * _cost_values(cost, self.scale.cost)
        )
        keys = np.rint((1.0 - expected) * BILLION).astype(np.int64)
        self._keys: Numbers = keys + columns.suspect[numbers] * SUSPECT
        self._labels: Numbers = columns.label[numbers]
        self._numbers = numbers
        self._sorted: list[int] | None = None

    def __len__(self) -> int:
        return len(self._numbers)

    def after(self, after: After) -> "Order":
        """Those of it who stand after a place, on the same scale; to be asked of nothing else."""
        behind = (self._keys > after.key) | (
            (self._keys == after.key) & (self._labels > after.label)
        )
        self._keys, self._labels = self._keys[behind], self._labels[behind]
        self._numbers = self._numbers[behind]
        return self

    def rows(self, first: int, last: int) -> list[int]:
        """The numbers of the rows from place ``first`` to before ``last``, the best is 0."""
        if self._sorted is None or len(self._sorted) < min(last, len(self)):
            self._sorted = self._least(HEAD if self._sorted is None and last <= HEAD else len(self))
        return self._sorted[first:last]

    def _least(self, most: int) -> list[int]:
        """The ``most`` best, in order."""
        keys, labels, numbers = self._keys, self._labels, self._numbers
        if most < len(self):
            least = _least(keys, labels, most)
            keys, labels, numbers = keys[least], labels[least], numbers[least]
        best: list[int] = numbers[np.lexsort((labels, keys))].tolist()
        return best


class ColumnRanking:
    """Implements `domain.discovery_index.Ranking`. ``show`` makes the places of some rows."""

    def __init__(self, order: Order, show: Show) -> None:
        self._order = order
        self._show = show
        self._taken = 0

    @property
    def scale(self) -> Scale:
        """See the port."""
        return self._order.scale

    @property
    def left(self) -> int:
        """See the port."""
        return len(self._order) - self._taken

    def take(self, most: int) -> list[Place]:
        """See the port. Who has gone meanwhile is passed over."""
        while self.left:
            numbers = self._order.rows(self._taken, self._taken + most)
            self._taken += len(numbers)
            if shown := self._show(numbers, self.scale):
                return shown
        return []


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
