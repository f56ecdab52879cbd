"""What certifications add to the expected rank, in columns beside those of everybody.

Few are certified for what is required, and their certifications change seldom: what they add for
a requirement is computed once, until a certification changes.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from pyroaring import BitMap

from registry_svc.adapters.discovery_index.columns import Numbers, Values
from registry_svc.domain.ranking import KnownTrust, RankWeights, bonus

REQUIREMENTS: Final = 8
"""Sets of capabilities whose bonuses are kept."""


class Bonuses:
    """The rows that hold certifications, and what these add for some required capabilities."""

    def __init__(self, weights: RankWeights) -> None:
        self._weights = weights
        self._certified: dict[int, KnownTrust] = {}
        self._holders: dict[str, BitMap] = {}
        self._kept: OrderedDict[tuple[str, ...], tuple[Numbers, Values]] = OrderedDict()

    def put(self, number: int, trust: KnownTrust) -> None:
        """Take over what is known of a row."""
        before = self._certified.pop(number, None)
        for capability in _capabilities(before):
            self._holders[capability].discard(number)
            if not self._holders[capability]:
                del self._holders[capability]
        for capability in _capabilities(trust):
            self._holders.setdefault(capability, BitMap()).add(number)
        if trust.capabilities:
            self._certified[number] = trust
        if before is not None or trust.capabilities:
            self._kept.clear()

    def discard(self, number: int) -> None:
        """Forget a row."""
        if number in self._certified:
            self.put(number, KnownTrust(0.0))

    def of(self, numbers: Numbers, required: Sequence[str]) -> Values:
        """What is added for each of ``numbers``, which ascend."""
        column: Values = np.zeros(len(numbers))
        holders, added = self._added(tuple(required))
        places = np.searchsorted(numbers, holders)
        found = places < len(numbers)
        found[found] = numbers[places[found]] == holders[found]
        column[places[found]] = added[found]
        return column

    def _added(self, required: tuple[str, ...]) -> tuple[Numbers, Values]:
        """The rows that hold a certification for one of ``required``, and what it adds."""
        kept = self._kept.get(required)
        if kept is None:
            sets = [self._holders[one] for one in required if one in self._holders]
            holders = BitMap.union(*sets) if sets else BitMap()
            trusts = [self._certified[number] for number in holders]
            added = [bonus(trust, required, self._weights) for trust in trusts]
            kept = np.asarray(holders.to_array(), dtype=np.int64), np.asarray(added, dtype=float)
            self._kept[required] = kept
            if len(self._kept) > REQUIREMENTS:
                self._kept.popitem(last=False)
        return kept


def _capabilities(trust: KnownTrust | None) -> Mapping[str, object]:
    return {} if trust is None else trust.capabilities
