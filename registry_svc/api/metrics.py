"""What the paper measures of identity and discovery (section 12), refusals included."""

from typing import Final

from prometheus_client import Histogram

REGISTRATION: Final = Histogram(
    "phoenix_dma_registration_seconds", "From a registration's arrival to its committed answer"
)
DISCOVERY: Final = Histogram(
    "phoenix_dma_discovery_seconds", "From a search's arrival to its ranked and audited answer"
)
