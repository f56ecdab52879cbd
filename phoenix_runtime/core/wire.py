"""What the services' rules have in common with their clients (`phoenix_dma.wire`)."""

from phoenix_dma.wire.context_kinds import CONTEXT_KINDS
from phoenix_dma.wire.counted import counted

__all__ = ["CONTEXT_KINDS", "counted"]
