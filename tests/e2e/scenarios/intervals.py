"""How often the services under test do what they do by themselves, and for how long tests wait.

Whatever a test waits for is waited for by looking at it; the only waits of a fixed length are those
for a lease, an offer or a deadline to lapse on the product's own clock. What has to be done before
one of these lapses has tens of seconds, so that a busy machine is not mistaken for a dead agent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

LEASE: Final = 10.0
"""Seconds without a beat after which a participant is failed."""
PAST_A_LEASE: Final = LEASE + 2
PATIENCE: Final = 180.0
"""Seconds after which a test that waits for something is taken to hang."""
ATTEMPT: Final = 60.0
"""Seconds that one call may take; longer than whatever a service itself waits for."""
INTERVALS: Final[Mapping[str, str]] = {
    "PHOENIX_DMA_LEASE_TTL": str(LEASE),
    "PHOENIX_DMA_HEARTBEAT_INTERVAL": "3",
    "PHOENIX_DMA_LEASE_MARGIN": "3",
    "PHOENIX_DMA_WRITE_INTERVAL": "0.2",
    "PHOENIX_DMA_OFFER_TIMEOUT": "20",
    "PHOENIX_DMA_LAST_CHECKPOINT": "1",
    "PHOENIX_DMA_RESUME_TIMEOUT": "20",
    "PHOENIX_DMA_RECONCILE_INTERVAL": "1",
    "PHOENIX_DMA_DUE_INTERVAL": "0.2",
}
"""The environment of every service of these tests."""


async def a_lease_passes() -> None:
    """Wait until every lease has lapsed that was not renewed after this call."""
    await asyncio.sleep(PAST_A_LEASE)
