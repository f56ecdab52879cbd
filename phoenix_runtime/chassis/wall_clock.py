"""The wall clock of a process, which tests may let jump while it runs.

``PHOENIX_DMA_CLOCK_OFFSET_FILE`` names a file with the seconds by which the wall clock is wrong; it
is read every time. It counts where ``PHOENIX_DMA_DEBUG`` is true, and never otherwise.
"""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import structlog

from phoenix_runtime.core.clock import SteadyClock

DEBUG: Final = "PHOENIX_DMA_DEBUG"
OFFSET_FILE: Final = "PHOENIX_DMA_CLOCK_OFFSET_FILE"

log = structlog.get_logger(__name__)


def steady_clock(environment: Mapping[str, str] = os.environ) -> SteadyClock:
    """The clock of a service; its wall is the machine's, unless a test makes it another one."""
    return SteadyClock(wall_of(environment))


def wall_of(environment: Mapping[str, str]) -> Callable[[], float]:
    """Seconds since the epoch, as this process sees it."""
    file = environment.get(OFFSET_FILE, "")
    if not file:
        return time.time
    if environment.get(DEBUG, "").lower() not in {"1", "true"}:
        log.warning("clock_offset_ignored", setting=OFFSET_FILE, without=DEBUG)
        return time.time
    return lambda: time.time() + _offset(Path(file))


def _offset(file: Path) -> float:
    """What the file says; nothing where it is not there, or is being written."""
    try:
        return float(file.read_text())
    except (OSError, ValueError):
        return 0.0
