"""Lets use cases wake worker loops when there may be work.

A loop that misses a wake-up finds the work at its next interval: a wake-up only saves the wait.
"""

from collections.abc import Callable


class WakeUp:
    """Notifies its subscribers; use cases notify, loops subscribe."""

    def __init__(self) -> None:
        """Start without subscribers: it is built before the loops that it wakes."""
        self._listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` at every notification."""
        self._listeners.append(listener)

    def notify(self) -> None:
        """Say that there may be work."""
        for listener in self._listeners:
            listener()
