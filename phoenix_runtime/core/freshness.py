"""How old what a binding rests on may be (architecture, *One row decides*)."""

from typing import Final

FRESH_SECONDS: Final = 5.0
"""The age of standing and decision, in monotonic seconds from before each was asked for."""
