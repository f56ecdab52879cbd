"""The fields that a context may have, as the contract has them (`phoenix_dma.wire`)."""

from phoenix_dma.wire.context_kinds import CONTEXT_KINDS

__all__ = ["CONTEXT_KINDS"]
