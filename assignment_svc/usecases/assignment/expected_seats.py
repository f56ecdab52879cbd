"""Counts the seats that tasks of this process are about to take.

Tasks that move at the same time would all ask for the best candidate, and most of them in vain: its
gate shows a seat as taken once that is committed. The count lowers a candidate's availability,
which says so; whether there is a seat is decided by the gate's row.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class ExpectedSeats:
    """The seats that are expected to be taken, by tenant and participant."""

    def __init__(self) -> None:
        self._expected: Counter[tuple[str, str]] = Counter()

    def of(self, tenant: str, participant_id: str) -> int:
        """How many of the participant's seats are expected to be taken."""
        return self._expected[tenant, participant_id]

    @contextmanager
    def taking(self, tenant: str, participant_id: str) -> Iterator[None]:
        """Expect one more for the length of the block; the gate counts it afterwards."""
        key = tenant, participant_id
        self._expected[key] += 1
        try:
            yield
        finally:
            self._expected[key] -= 1
            if not self._expected[key]:
                del self._expected[key]
