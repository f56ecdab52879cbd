"""What ranks the rows of an index, in columns that are computed with at once."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.int64]
Values: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
UNKNOWN_LATENCY = -1.0


class Columns:
    """A number in each column for each row; they grow as rows are added."""

    def __init__(self) -> None:
        self.merit: Values = np.zeros(64)
        """The part of the expected rank that is the same whoever else matches."""
        self.latency: Values = np.zeros(64)
        self.cost: Values = np.zeros(64)
        self.suspect: Flags = np.zeros(64, dtype=bool)
        self.label: Numbers = np.zeros(64, dtype=np.int64)

    def write(  # the columns in their order
        self,
        number: int,
        merit: float,
        latency: float,
        cost: float,
        suspect: bool,  # noqa: FBT001  # a column
    ) -> None:
        """Write what ranks one row."""
        self.merit[number], self.latency[number] = merit, latency
        self.cost[number], self.suspect[number] = cost, suspect

    def make_room(self, number: int) -> None:
        """Grow until there is a row ``number``."""
        while number >= len(self.merit):
            self.merit = _doubled(self.merit)
            self.latency = _doubled(self.latency)
            self.cost = _doubled(self.cost)
            self.suspect = _doubled(self.suspect)
            self.label = _doubled(self.label)


def _doubled(column: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([column, np.zeros_like(column)])
