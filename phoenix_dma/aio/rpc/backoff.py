"""Delays between tries: exponential, with full jitter."""

from __future__ import annotations

import math
import random
from collections.abc import Callable


class Backoff:
    """Delays in seconds from ``first`` towards ``longest``, each drawn from its whole range.

    Full jitter: thousands of participants do not reconnect at once after an outage.
    """

    def __init__(
        self,
        first: float = 0.2,
        longest: float = 15.0,
        *,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._first = first
        self._longest = longest
        self._draw = draw
        self._tries = 0

    def next(self, *, at_most: float = math.inf) -> float:
        """The next delay; at least a tenth of its range, so that no caller spins.

        ``at_most``, in seconds, is how long this once may last where that is less.
        """
        ceiling = min(at_most, self._longest, self._first * 2.0**self._tries)
        self._tries = min(self._tries + 1, 30)
        return ceiling * (0.1 + 0.9 * self._draw())

    def reset(self) -> None:
        """Begin anew, after a success."""
        self._tries = 0
