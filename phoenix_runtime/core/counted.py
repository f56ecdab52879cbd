"""Counts for people, as the contract's side has them (`phoenix_dma.wire`)."""

from phoenix_dma.wire.counted import counted

__all__ = ["counted"]
