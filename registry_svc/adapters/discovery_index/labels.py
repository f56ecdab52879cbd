"""Numbers that stand in the order of the participants' ids, so that ties are broken by number.

A new id gets the number in the middle between its neighbours'. Where there is none left, as many
neighbours as it takes are labelled anew, which is few: the room that a wider span has to have grows
with its width (Dietz and Sleator, Two algorithms for maintaining order in a list).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Final

GAP: Final = 1 << 32
"""What lies between two neighbours where the ids come in their order."""
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
        low, high = self._before(at), min(self._behind(at), self._before(at) + 2 * GAP)
        self._ids.insert(at, participant_id)
        self._labels[participant_id] = low + (high - low) // 2
        if high - low < 2:
            self._spread(at)
        return self._labels[participant_id]

    def remove(self, participant_id: str) -> None:
        """Forget an id."""
        if self._labels.pop(participant_id, None) is not None:
            del self._ids[bisect_left(self._ids, participant_id)]

    def up_to(self, participant_id: str) -> int:
        """The highest label of an id that is not after ``participant_id``; 0 where none is."""
        return self._before(bisect_right(self._ids, participant_id))

    def _before(self, at: int) -> int:
        return self._labels[self._ids[at - 1]] if at else 0

    def _behind(self, at: int) -> int:
        return self._labels[self._ids[at]] if at < len(self._ids) else HIGHEST

    def _spread(self, at: int) -> None:
        """Label those around ``at`` anew, at equal distances."""
        width, first, last, low, room = 1, at, at, 0, 0
        while room < width * width and width < len(self._ids):
            width *= 2
            first, last = max(0, at - width), min(len(self._ids), at + width)
            low = self._before(first)
            room = (self._behind(last) - low) // (last - first + 1)
        for place in range(first, last):
            participant_id, label = self._ids[place], low + (place - first + 1) * room
            self._labels[participant_id] = label
            self._relabel(participant_id, label)
