"""How long the test kit waits, which whoever has slow machines may say."""

from __future__ import annotations

import math
import os
from typing import Final

VARIABLE: Final = "PHOENIX_DMA_TEST_PATIENCE"
ORDINARY: Final = "60"


def patience() -> float:
    """Seconds that a test waits, from the environment; raises ValueError for what is no number."""
    given = os.environ.get(VARIABLE) or ORDINARY
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ValueError(f"{VARIABLE}={given} is no number of seconds; write it as {ORDINARY}")
    return seconds
