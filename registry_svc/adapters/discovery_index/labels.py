"""Numbers that stand in the order of the participants' ids, so that ties are broken by number."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Final

GAP: Final = 1 << 24
"""What lies between two neighbours at first."""
HIGHEST: Final = 1 << 62


class Labels:
    """A label for each id. ``relabel`` is told of the new label of an id that had another."""

    def __init__(self, relabel: Callable[[str, int], None]) -> None:
        self._ids: list[str] = []
        self._labels: dict[str, int] = {}
        self._relabel = relabel

    def add(self, participant_id: str) -> int:
        """The label of a new id."""
        at = bisect_left(self._ids, participant_id)
        low = self._labels[self._ids[at - 1]] if at else 0
        high = self._labels[self._ids[at]] if at < len(self._ids) else min(HIGHEST, low + 2 * GAP)
        self._ids.insert(at, participant_id)
        self._labels[participant_id] = low + (high - low) // 2
        if high - low < 2:
            self._spread()
        return self._labels[participant_id]

    def remove(self, participant_id: str) -> None:
        """Forget an id."""
        if self._labels.pop(participant_id, None) is not None:
            del self._ids[bisect_left(self._ids, participant_id)]

    def up_to(self, participant_id: str) -> int:
        """The highest label of an id that is not after ``participant_id``; 0 where none is."""
        at = bisect_right(self._ids, participant_id)
        return self._labels[self._ids[at - 1]] if at else 0

    def _spread(self) -> None:
        """Label everybody anew, `GAP` apart: between two neighbours no number was left."""
        for place, participant_id in enumerate(self._ids, 1):
            self._labels[participant_id] = place * GAP
            self._relabel(participant_id, place * GAP)
