"""How long a claimed row is left alone, for every worker of every service."""

from datetime import timedelta
from typing import Final

CLAIM_DURATION: Final = timedelta(seconds=5)
"""From the claim to the moment when another worker may take the row.

A worker that died in its step, or found a peer away, is waited for no longer. Two workers that
process the same row meet at its lock, and the second one finds nothing left to do.
"""
