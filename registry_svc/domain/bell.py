"""Wakes whoever does the work that has just come up; it would look again by itself a bit later."""

from collections.abc import Callable


class Bell:
    """Rung by a use case, heard by a loop."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []

    def on_ring(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` at every ring."""
        self._listeners.append(listener)

    def ring(self) -> None:
        """There is work."""
        for listener in self._listeners:
            listener()
