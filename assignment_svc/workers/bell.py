"""The bell between the desks and the night shift: use cases ring, loops look."""

from collections.abc import Callable


class ShiftBell:
    """Implements `domain.ports.Bell`; built before the shift that it wakes."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []

    def wakes(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called at every ring."""
        self._listeners.append(listener)

    def ring(self) -> None:
        """There may be work."""
        for listener in self._listeners:
            listener()
