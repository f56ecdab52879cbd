"""How long a claim lasts, and how old a fact may be: the same for every service."""

from datetime import timedelta
from typing import Final

CLAIM_DURATION: Final = timedelta(seconds=5)
"""From the claim of a row to the moment when another worker may take it.

A worker that died in its step, or found a peer away, is waited for no longer. Two workers that
process the same row meet at its lock, and the second one finds nothing left to do.
"""

FRESH_SECONDS: Final = 5.0
"""The age of standing and decision, in monotonic seconds from before each was asked for, up to
which a binding may rest on them (architecture, *One row decides*)."""
