"""What the paper wants measured of identity and discovery (section 12), and of sessions."""

from typing import Final

from prometheus_client import Counter, Histogram

REGISTRATION: Final = Histogram(
    "phoenix_dma_registration_seconds", "From a registration's arrival to its committed answer"
)
DISCOVERY: Final = Histogram(
    "phoenix_dma_discovery_seconds", "From a search's arrival to its ranked and audited answer"
)
SLOW_READERS: Final = Counter(
    "phoenix_dma_slow_readers_total", "Streams that were cut because nobody read them"
)
