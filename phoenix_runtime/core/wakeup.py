"""The bell between the desks and the background workers: use cases ring, loops look.

Whoever hears it would look again by itself a bit later; the bell only saves the wait.
"""

from collections.abc import Callable


class WakeUp:
    """Rung by a use case, heard by loops."""

    def __init__(self) -> None:
        """Begin without listeners; a bell is built before the loops that it wakes."""
        self._listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` at every ring."""
        self._listeners.append(listener)

    def ring(self) -> None:
        """Say that there may be work."""
        for listener in self._listeners:
            listener()
